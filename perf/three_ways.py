"""Does the detector tell the truth? Tune the bundled base three ways and look at the verdicts.

    python perf/three_ways.py                  # all ways, three seeds
    python perf/three_ways.py --write          # and write the table of docs/proof.md
    python perf/three_ways.py --ways sane --seeds 4 5 6

* **sane**: the demo's own recipe. It must hold the general ability and be better in the domain.
* **brutal**: all weights, a high learning rate, many epochs, no replay, the last state kept. It
  must forget and overfit.
* **shuffled**: the sane recipe on answers that were shuffled between the training rows. It must
  not be better in the domain.

The verdicts are the shipped ones, with the shipped margins.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tunewise.cli.demo import prepare
from tunewise.cli.settings import Settings
from tunewise.curate.auditing.audit import audit
from tunewise.curate.cleaning.clean import clean
from tunewise.curate.cleaning.decide import accept
from tunewise.curate.splitting.split import split
from tunewise.evaluate.run import evaluate
from tunewise.evaluate.tasks.items import benchmark_items
from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Draft, Workspace, produce
from tunewise.workspace.config import load_settings
from tunewise.workspace.files import read_json, write_json

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "perf" / "results" / "three_ways.json"
PAGE = ROOT / "docs" / "proof.md"
MARKERS = ("<!-- table: start -->", "<!-- table: end -->")
SEEDS = (1, 2, 3)
WAYS = ("sane", "brutal", "shuffled")
BRUTAL = {
    "method": "full",
    "learning_rate": 4e-3,
    "epochs": 26.0,
    "batch_size": 32,
    "eval_every": 60,
    "keep": "last",
    "replay": None,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run and what the shipped verdicts say about it; changes are in points."""

    way: str
    seed: int
    general: str
    general_delta: float
    general_low: float
    general_high: float
    forgot: tuple[str, ...]
    domain: str
    domain_base: float
    domain_tuned: float
    overfitting: str
    train_seconds: float

    @property
    def as_expected(self) -> bool:
        """Whether the verdicts are what this way of tuning deserves."""
        if self.way == "sane":
            return (self.general, self.domain) == ("held", "improved")
        if self.way == "brutal":
            return (self.general, self.overfitting) == ("forgot", "overfit")
        return self.domain != "improved"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The demo's workspace, with its data cleaned."""

    workspace: Workspace
    settings: Settings
    cleaned: Artifact


def made_of() -> dict[str, str]:
    """Return the digests of the bundled files that decide what comes out."""
    folder = ROOT / "datasets"
    files = [folder / "base" / "model.safetensors", folder / "sample.jsonl"]
    files += [folder / "replay.jsonl", folder / "demo.toml"]
    files += sorted((folder / "benchmarks").glob("*.jsonl"))
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def prepare_workspace(folder: Path) -> Prepared:
    """Lay out the demo in a folder and clean its data."""
    prepare(folder)
    workspace = Workspace(folder.resolve())
    settings, _ = load_settings(Settings, workspace, environ={})
    paths = [workspace.root / path for path in settings.data.paths]
    items = benchmark_items(settings.audit.benchmarks, workspace.root)
    audited = audit(workspace, paths, settings.audit, settings.data, benchmarks=items)
    accept(workspace, audited, settings.clean.accept, reason="the demo's settings")
    return Prepared(workspace, settings, clean(workspace, audited, settings.clean))


def run_way(prepared: Prepared, way: str, seed: int) -> Outcome:
    """Split by a seed, tune one way, evaluate, and read the verdicts."""
    workspace, settings = prepared.workspace, prepared.settings
    parts = split(workspace, prepared.cleaned, settings.split.model_copy(update={"seed": seed}))
    if way == "shuffled":
        parts = shuffle_answers(workspace, parts, seed)
    # Nobody reads what the model answers on the way, and that changes nothing in what it learns.
    changes: dict[str, Any] = {"seed": seed, "samples": 0, **(BRUTAL if way == "brutal" else {})}
    recipe = Recipe.model_validate({**settings.train.model_dump(), **changes})
    run = train(workspace, parts, recipe)
    return _read_outcome(way, seed, run, evaluate(workspace, run, settings.evaluate))


def shuffle_answers(workspace: Workspace, parts: Artifact, seed: int) -> Artifact:
    """Make a copy of a split in which all answers of the training rows have changed places."""

    def build(draft: Draft) -> None:
        for path in parts.folder.iterdir():
            if path.name not in ("manifest.json", "train.jsonl"):
                (draft.folder / path.name).write_bytes(path.read_bytes())
        rows = [json.loads(line) for line in (parts.folder / "train.jsonl").open("rb")]
        said = [turn for row in rows for turn in row["messages"] if turn["role"] == "assistant"]
        answers = [turn["content"] for turn in said]
        random.Random(seed).shuffle(answers)
        for turn, answer in zip(said, answers, strict=True):
            turn["content"] = answer
        with (draft.folder / "train.jsonl").open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        draft.counts.update(parts.manifest.counts)

    return produce(
        workspace,
        "split",
        build,
        inputs=[parts.as_input("split")],
        parameters={"answers": "shuffled", "seed": seed},
    )


def _read_outcome(way: str, seed: int, run: Artifact, evaluation: Artifact) -> Outcome:
    document = read_json(evaluation.folder / "evaluate.json")
    pool = next(pool for pool in document["pools"] if pool["group"] == "general")
    domain = next(
        task for task in document["tasks"] if task["group"] == "domain" and task["decides"]
    )
    return Outcome(
        way=way,
        seed=seed,
        general=document["overall"],
        general_delta=100 * pool["delta"],
        general_low=100 * pool["ci"][0],
        general_high=100 * pool["ci"][1],
        forgot=tuple(pool["forgot"]),
        domain=document["domain_gain"],
        domain_base=100 * domain["base"],
        domain_tuned=100 * domain["tuned"],
        overfitting=document["overfitting"]["verdict"],
        train_seconds=read_json(run.folder / "train.json")["seconds"],
    )


def as_markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the table of all runs."""
    lines = [
        "| way | seed | general | change in points, 95 % CI | tasks that forgot | domain "
        "| answer choice, base → tuned | overfitting | as expected |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {item.way} | {item.seed} | {item.general} | {item.general_delta:+.1f} "
        f"[{item.general_low:+.1f}, {item.general_high:+.1f}] | {', '.join(item.forgot) or '–'} "
        f"| {item.domain} | {item.domain_base:.1f} → {item.domain_tuned:.1f} "
        f"| {item.overfitting} | {'yes' if item.as_expected else '**no**'} |"
        for item in outcomes
    ]
    return "\n".join(lines)


def write_results(outcomes: Sequence[Outcome]) -> None:
    """Write the runs as data and their table into the page."""
    runs = [{**asdict(item), "as_expected": item.as_expected} for item in outcomes]
    write_json(RESULTS, {"schema_version": 1, "made_of": made_of(), "runs": runs})
    start, end = MARKERS
    before, _, rest = PAGE.read_text("utf-8").partition(start)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{start}\n{as_markdown(outcomes)}\n{end}{after}", "utf-8")


def main() -> None:
    """Run and write the table."""
    parser = argparse.ArgumentParser(
        description="Tune the bundled base three ways and print the verdicts."
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--ways", choices=WAYS, nargs="+", default=WAYS)
    parser.add_argument("--folder", type=Path, help="keep the workspace here")
    parser.add_argument(
        "--write", action="store_true", help=f"write {RESULTS.name} and the table of {PAGE.name}"
    )
    arguments = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as temporary:
        prepared = prepare_workspace(arguments.folder or Path(temporary) / "demo")
        for way in arguments.ways:
            for seed in arguments.seeds:
                outcomes.append(run_way(prepared, way, seed))
                print(as_markdown(outcomes).splitlines()[-1], flush=True)
    if arguments.write:
        write_results(outcomes)


if __name__ == "__main__":
    main()
