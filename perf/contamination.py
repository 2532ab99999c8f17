"""How well are benchmark items found in training data, against plain 13-gram matching?

    python perf/contamination.py                # everything: half a minute, and the audits
    python perf/contamination.py --rows 0       # without the audits

* **Planted**: items of eight public benchmarks and of GSM8K are planted in ``alpaca_17k`` in each
  of several ways, a thousand rows a way. Recall is the share of those rows that are found, of the
  items that can be checked so; how many cannot is told beside it. The last column is plain matching
  of 13-grams (lower case, words without punctuation), as GPT-3's report describes it.
* **False alarms**: rows of ``alpaca_17k`` without any planting that are found all the same. They
  are written down, for a person to look at.
* **GSM8K**: what of its test questions stands in its training questions.
* **Time**: an audit of ``--rows`` chat rows with this check alone, and the same audit without
  benchmarks; processor seconds of all its processes, and the largest resident set of one.

The results are written to ``perf/results/contamination.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from chat_corpus import chat_rows

from tunewise.curate.contamination import BenchmarkItem
from tunewise.curate.contamination.found import find_contamination
from tunewise.curate.contamination.index import index_of
from tunewise.curate.contamination.items import ANSWER, QUESTION, QUESTION_AND_ANSWER, TEXT
from tunewise.evaluate.tasks.items import benchmark_items

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results" / "contamination.json"
BENCHMARKS = (
    "arc_challenge_test", "arc_easy_test", "hellaswag", "openbookqa", "piqa", "sciq", "boolq",
    "story_ending",
)  # fmt: skip
PLANTED_ROWS = 1_000
N_GRAM = 13
_TURNS = 20
_EXAMPLES = 40

Row = tuple[str, ...]
Edit = Callable[[str, random.Random], str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found of one way of planting.

    Attributes:
        way: how the items were planted.
        planted: rows with an item that can be checked.
        uncheckable: rows with an item that cannot; they are not among the planted.
        recall: share of the planted rows that were found.
        right_item: share of the planted rows for which the very item was named.
        n_grams: share of the planted rows that share a 13-gram with their item.
    """

    way: str
    planted: int
    uncheckable: int
    recall: float
    right_item: float
    n_grams: float


@dataclass(frozen=True, slots=True)
class Way:
    """A way of planting: what of the item, how edited, and in what."""

    name: str
    edit: Edit
    question: bool = True
    answer: bool = True
    long_chat: bool = False
    needs_number: bool = False


def as_it_is(text: str, chance: random.Random) -> str:
    """Return the text."""
    return text


def rewrapped(text: str, chance: random.Random) -> str:
    """Write it in capitals, in short lines with a mark before each, without punctuation."""
    lines = textwrap.wrap(re.sub(r"[.,;:!?]", "", text).upper(), 40)
    return "\n".join(f"> {line}" for line in lines)


def other_numbers(text: str, chance: random.Random) -> str:
    """Put another number in the place of each."""
    return re.sub(r"\d+", lambda found: str(chance.randrange(2, 10 ** len(found[0]) + 2)), text)


def word_edits(share: float, words: Sequence[str]) -> Edit:
    """Return an edit that replaces (or here and there deletes, or adds) a share of the words."""

    def edit(text: str, chance: random.Random) -> str:
        found = text.split()
        for place in chance.sample(range(len(found)), min(len(found), round(share * len(found)))):
            kind = chance.random()
            if kind < 0.6:
                found[place] = chance.choice(words)
            elif kind < 0.8:
                found[place] = ""
            else:
                found[place] += f" {chance.choice(words)}"
        return " ".join(word for word in found if word)

    return edit


def alpaca_rows() -> list[Row]:
    """Return the rows of alpaca as what is asked and what is answered."""
    rows = json.loads((SHARED / "instructions" / "alpaca_17k.json").read_text("utf-8"))
    return [
        ("\n".join(part for part in (row["instruction"], row["input"]) if part), row["output"])
        for row in rows
    ]


def all_items() -> tuple[BenchmarkItem, ...]:
    """Read the benchmarks."""
    files = [str(SHARED / "benchmarks" / f"{name}.jsonl") for name in BENCHMARKS]
    gsm8k = SHARED / "instructions" / "gsm8k" / "test.jsonl"
    named = [replace(item, task="gsm8k") for item in benchmark_items([str(gsm8k)], gsm8k.parent)]
    return (*named, *benchmark_items(files, SHARED))


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Return rows as the search takes them."""
    return pl.DataFrame(
        [(number, f"messages[{place}].content", text) for number, row in enumerate(rows)
         for place, text in enumerate(row)],
        schema={"row": pl.Int64, "field": pl.String, "content": pl.String},
        orient="row",
    )  # fmt: skip


def plant(item: BenchmarkItem, way: Way, hosts: Sequence[Row], chance: random.Random) -> Row:
    """Write the row of an item."""
    parts = [
        way.edit(text, chance)
        for text, wanted in ((item.question, way.question), (item.answer or "", way.answer))
        if wanted and text
    ]
    if not way.long_chat:
        return tuple(parts)
    turns = [text for row in chance.sample(hosts, _TURNS // 2) for text in row]
    place = 2 * chance.randrange(_TURNS // 2)
    # The question ends what is asked, and its answer begins what is answered.
    turns[place] = f"{turns[place]}\n\n{parts[0]}"
    turns[place + 1] = "\n\n".join((*parts[1:], turns[place + 1]))
    return tuple(turns)


def n_grams(text: str) -> set[tuple[str, ...]]:
    """Return the runs of 13 words."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + N_GRAM]) for at in range(len(words) - N_GRAM + 1)}


def checkable(way: Way, items: Sequence[BenchmarkItem]) -> set[int]:
    """Return the items of which something is looked for that stands in such a row."""
    parts = {TEXT}
    if way.question:
        parts |= {QUESTION}
    if way.answer:
        parts |= {ANSWER}
    if way.question and way.answer:
        parts |= {QUESTION_AND_ANSWER}
    probes = index_of(tuple(items)).probes
    return {number for probe in probes if probe.part in parts for number in probe.items}


def measure_way(
    way: Way, items: Sequence[BenchmarkItem], hosts: Sequence[Row], seed: int
) -> Outcome:
    """Plant a thousand items, and look for all items."""
    chance = random.Random(seed)
    able_to = checkable(way, items)
    able = [
        number
        for number, item in enumerate(items)
        if not way.needs_number or re.search(r"\d", item.question)
    ]
    chosen = chance.sample(able, min(PLANTED_ROWS, len(able)))
    rows = list(hosts)
    places = chance.sample(range(len(rows)), len(chosen))
    for number, place in zip(chosen, places, strict=True):
        rows[place] = plant(items[number], way, hosts, chance)
    found = find_contamination([frame(rows)], items)
    named: dict[int, set[str]] = {}
    for row, task, item in found.hits.select("row", "task", "item").iter_rows():
        named.setdefault(row, set()).add(f"{task}/{item}")
    planted = [
        (number, place) for number, place in zip(chosen, places, strict=True) if number in able_to
    ]
    by_n_grams = sum(
        bool(n_grams(_original(items[number], way)) & n_grams("\n".join(rows[place])))
        for number, place in planted
    )
    return Outcome(
        way=way.name,
        planted=len(planted),
        uncheckable=len(chosen) - len(planted),
        recall=sum(place in named for _, place in planted) / len(planted),
        right_item=sum(
            items[number].name in named.get(place, ()) for number, place in planted
        ) / len(planted),
        n_grams=by_n_grams / len(planted),
    )  # fmt: skip


def _original(item: BenchmarkItem, way: Way) -> str:
    return (item.question if way.question else "") or item.answer or ""


def false_alarms(items: Sequence[BenchmarkItem], rows: Sequence[Row]) -> dict[str, Any]:
    """Look for all items where none was planted."""
    begin = time.process_time()
    found = find_contamination([frame(rows)], items)
    seconds = time.process_time() - begin
    of_items: dict[tuple[str, ...], str] = {}
    for item in items:
        for gram in n_grams(item.question or item.answer or ""):
            of_items.setdefault(gram, item.name)
    by_n_grams = [
        (number, name)
        for number, row in enumerate(rows)
        if (name := next((of_items[gram] for gram in n_grams("\n".join(row)) if gram in of_items),
                         None))
    ]  # fmt: skip
    return {
        "rows": len(rows),
        "found": found.hits["row"].n_unique(),
        "found_by_n_grams": len(by_n_grams),
        "seconds": round(seconds, 2),
        "hits": _side_by_side(found.hits, items, rows),
        "hits_by_n_grams": by_n_grams[:_EXAMPLES],
    }


def _side_by_side(
    hits: pl.DataFrame, items: Sequence[BenchmarkItem], rows: Sequence[Row]
) -> list[dict[str, Any]]:
    """Put what stands in the rows beside the items."""
    by_name = {item.name: item for item in items}
    listed: list[dict[str, Any]] = []
    for hit in hits.sort("score", descending=True).head(_EXAMPLES).iter_rows(named=True):
        item = by_name[f"{hit['task']}/{hit['item']}"]
        text = rows[hit["row"]][int(re.findall(r"\d+", hit["field"])[0])]
        listed.append(
            {
                "row": hit["row"],
                "item": item.name,
                "part": hit["part"],
                "score": round(hit["score"], 3),
                "in_row": text[hit["start"] : hit["end"]],
                "in_item": item.text_of(hit["part"])[hit["item_start"] : hit["item_end"]],
            }
        )
    return listed


def gsm8k_overlap() -> dict[str, Any]:
    """Look for GSM8K's test items in its training rows."""
    folder = SHARED / "instructions" / "gsm8k"
    items = benchmark_items([str(folder / "test.jsonl")], folder)
    lines = (folder / "train.jsonl").read_text("utf-8").splitlines()
    rows = [(row["question"], row["answer"]) for row in map(json.loads, lines)]
    return {"items": len(items), **false_alarms(items, rows)}


def timed_audits(count: int, items: int) -> dict[str, Any]:
    """Audit chat rows with this check alone, with and without benchmarks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "chats.jsonl").open("wb") as stream:
            stream.writelines(chat_rows(count))
        benchmark = folder / "benchmark.jsonl"
        chosen = random.Random(7).sample(all_items(), items)
        benchmark.write_text(
            "\n".join(
                json.dumps({"id": item.name, "question": item.question, "answer": item.answer})
                for item in chosen
            )
        )
        command = [sys.executable, "-m", "tunewise.cli", "audit", str(folder / "chats.jsonl"),
                   "--checks", "contamination/benchmark", "--json"]  # fmt: skip
        runs = {}
        for title, more in (("without", []), ("with", ["--benchmarks", str(benchmark)])):
            workspace = ["--workspace", str(folder / title)]
            (folder / title).mkdir()
            begin = time.perf_counter()
            printed = folder / f"{title}.json"
            with printed.open("wb") as stream:
                process = subprocess.Popen([*command, *more, *workspace], stdout=stream)
                _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise RuntimeError(f"the audit {title} benchmarks ended with status {status}")
            document = json.loads(printed.read_text("utf-8"))
            runs[title] = {
                "seconds": round(time.perf_counter() - begin, 1),
                "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
                "peak_mb": round(usage.ru_maxrss / 1024),
                "check_seconds": document["checks"][0]["seconds"],
                "reason": document["checks"][0]["reason"],
            }
        return {
            "rows": count,
            "bytes": (folder / "chats.jsonl").stat().st_size,
            "items": items,
            **runs,
        }


def main() -> None:
    """Measure everything and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the timed audit")
    parser.add_argument("--items", type=int, default=10_000, help="of the timed audit")
    options = parser.parse_args()
    items, hosts = all_items(), alpaca_rows()
    words = [word for row in hosts[:5_000] for text in row for word in text.split()]
    ways = (
        Way("verbatim", as_it_is),
        Way("rewrapped, capitals, no punctuation", rewrapped),
        Way("other numbers", other_numbers, needs_number=True),
        Way("10 % of the words edited", word_edits(0.1, words)),
        Way("20 % of the words edited", word_edits(0.2, words)),
        Way("question only", as_it_is, answer=False),
        Way("question only, 10 % edited", word_edits(0.1, words), answer=False),
        Way("question only, 20 % edited", word_edits(0.2, words), answer=False),
        Way("answer only", as_it_is, question=False),
        Way("answer only, 10 % edited", word_edits(0.1, words), question=False),
        Way("in a chat of 20 turns", as_it_is, long_chat=True),
        Way("in a chat of 20 turns, 10 % edited", word_edits(0.1, words), long_chat=True),
    )
    outcomes = [measure_way(way, items, hosts, seed) for seed, way in enumerate(ways)]
    print(table(outcomes))
    results = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        "items": len(items),
        "uncheckable": len(index_of(items).uncheckable),
        "planted": [asdict(outcome) for outcome in outcomes],
        "false_alarms": false_alarms(items, hosts),
        "gsm8k": gsm8k_overlap(),
    }
    for name in ("false_alarms", "gsm8k"):
        told = results[name]
        print(f"{name}: {told['found']} of {told['rows']:,} rows; 13-grams "
              f"{told['found_by_n_grams']}")  # fmt: skip
    if options.rows:
        results["audit"] = timed_audits(options.rows, options.items)
        print(json.dumps(results["audit"], indent=2))
    elif RESULTS.is_file():
        results["audit"] = json.loads(RESULTS.read_text("utf-8")).get("audit")
    RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as Markdown."""
    lines = [
        "| planted | rows | uncheckable | found | the very item | 13-grams |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.way} | {one.planted:,} | {one.uncheckable:,} | {100 * one.recall:.1f} % | "
        f"{100 * one.right_item:.1f} % | {100 * one.n_grams:.1f} % |"
        for one in outcomes
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
