"""Make the sample: support chats of an invented maker, with planted defects and their truth."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

from . import sample_defects, sample_texts
from .sample_negatives import hard_negatives
from .sample_rows import RARE_REGION, SKEWED_TOPIC, Draft, RowWriter

FOLDER = Path(__file__).resolve().parent
SAMPLE_SEED = 5
POLICY_ROWS = 22
FACT_ROWS = 4
CONVERSATIONS = 60


@dataclass(frozen=True)
class Sample:
    """The sample and its truth, as the lines of their files."""

    rows: tuple[str, ...]
    truth: tuple[str, ...]


def _row_line(number: int, draft: Draft) -> str:
    if draft.raw is not None:
        return draft.raw
    row = {
        "id": f"support-{number:04d}",
        "messages": draft.messages,
        "topic": draft.topic,
        "region": draft.region,
        "source": draft.source,
    }
    for name in draft.dropped:
        del row[name]
    return json.dumps(row, ensure_ascii=False)


def _truth_line(row: int | None, check: str, **known: object) -> str:
    columns = dict.fromkeys(("field", "start", "end", "related_row", "related", "value"))
    return json.dumps({"row": row, "check": check, **columns, **known}, ensure_ascii=False)


def _benchmark(name: str) -> list[dict]:
    path = FOLDER / "benchmarks" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def drafts(seed: int) -> tuple[list[Draft], list[Draft]]:
    """Write the clean rows and the rows with planted defects, apart from each other."""
    random = Random(seed)
    writer = RowWriter(random)
    clean = writer.clean_rows(POLICY_ROWS, FACT_ROWS, CONVERSATIONS)
    planted = [
        *sample_defects.duplicate_rows(clean[::2], random),
        *sample_defects.conflicting_rows(writer, clean[1::2], random),
        *sample_defects.malformed_rows(writer, random),
        *sample_defects.schema_rows(writer, random),
        *sample_defects.long_rows(writer, random),
        *sample_defects.contaminated_rows(
            writer, _benchmark("stories"), _benchmark("text"), random
        ),
        *sample_texts.text_rows(writer, random),
        *sample_texts.privacy_rows(writer, random),
    ]
    clean += hard_negatives(writer, random)
    return clean, planted


def make_sample(seed: int = SAMPLE_SEED) -> Sample:
    """Make the sample.

    Args:
        seed: The seed on which everything in it depends.
    """
    clean, planted = drafts(seed)
    rows = [*clean, *planted]
    Random(seed + 1).shuffle(rows)
    places = {id(row): number for number, row in enumerate(rows)}
    truth = []
    for number, row in enumerate(rows):
        for defect in row.defects:
            related = defect.related_row
            truth.append(
                _truth_line(
                    number,
                    defect.check,
                    field=defect.field,
                    start=defect.start,
                    end=defect.end,
                    related_row=None if related is None else places[id(related)],
                    related=defect.related,
                    value=defect.value,
                )
            )
    truth.append(_truth_line(None, "balance/label", field="topic", related=SKEWED_TOPIC))
    truth.append(_truth_line(None, "bias/representation", field="region", related=RARE_REGION))
    lines = tuple(_row_line(number, row) for number, row in enumerate(rows))
    return Sample(lines, tuple(truth))


def main() -> None:
    """Write the sample and its truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SAMPLE_SEED)
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder to write into")
    arguments = parser.parse_args()
    sample = make_sample(arguments.seed)
    for name, lines in (("sample", sample.rows), ("sample_truth", sample.truth)):
        path = arguments.output / f"{name}.jsonl"
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        print(f"{path.name}: {len(lines)} lines")


if __name__ == "__main__":
    main()
