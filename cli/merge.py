"""`tunewise merge`: one model out of base and adapter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..workspace.artifact import LATEST, resolve_artifact
from ..workspace.errors import UsageError
from .session import Session, command

_DTYPES = ("auto", "float32", "float16", "bfloat16")
# As evaluate/release/gguf.py has them, which is imported only where it is needed.
_GGUF_TYPES = ("auto", "f32", "f16", "bf16", "q8_0")


@command(
    "merge",
    examples="""\
  tunewise merge latest --output my-model
  tunewise merge latest --output my-model --dtype bfloat16
  tunewise merge latest --output my-model --gguf --llama-cpp ~/llama.cpp --gguf-type q8_0
""",
)
@click.argument("run", default=LATEST)
@click.option("--output", type=click.Path(path_type=Path), required=True, metavar="DIR",
              help="The folder to write; --force replaces an earlier merge.")  # fmt: skip
@click.option("--dtype", type=click.Choice(_DTYPES), default="auto", show_default=True,
              help="Number format of the weights; auto is the base's own.")  # fmt: skip
@click.option("--tolerance", type=click.FloatRange(min=0),
              help="Accept this mean difference of a token's log-probability (nats).")  # fmt: skip
@click.option("--rows", type=click.IntRange(min=1), default=32, show_default=True,
              help="Real rows to compare merged and unmerged model on.")  # fmt: skip
@click.option("--gguf", is_flag=True, help="Write a GGUF file, too, by llama.cpp's converter.")
@click.option("--gguf-type", type=click.Choice(_GGUF_TYPES), default="auto", show_default=True,
              help="Number format of the GGUF file.")  # fmt: skip
@click.option("--llama-cpp", type=click.Path(path_type=Path), metavar="PATH",
              help="llama.cpp's folder or its converter (else LLAMA_CPP, PATH).")  # fmt: skip
def merge(
    session: Session,
    run: str,
    output: Path,
    dtype: str,
    tolerance: float | None,
    rows: int,
    gguf: bool,
    gguf_type: str,
    llama_cpp: Path | None,
) -> None:
    """Merge the adapter of RUN (a path, an id, or `latest`) into its base, as a model of its own.

    What is written is read again and compared with base and adapter on rows of the split; unless
    both agree within the tolerance of the number format (float32 1e-4, float16 5e-3, bfloat16
    3e-2 nats a token), nothing is left. A fully tuned model is written in the wanted format.
    """
    from ..evaluate.release.gguf import find_converter
    from ..evaluate.release.merge import MergeSettings
    from ..evaluate.release.merge import merge as run_merge

    if llama_cpp is not None and not gguf:
        raise UsageError("--llama-cpp is of use only with --gguf", fix="give --gguf, too")
    converter = find_converter(llama_cpp) if gguf else None
    document = run_merge(
        session.workspace,
        resolve_artifact(session.workspace, "train", run),
        output.absolute(),
        MergeSettings(dtype, tolerance, rows, converter, gguf_type),
        force=session.force,
        emit=session.emit,
    )
    facts = {"command": "merge", "artifact": document["output"], **document}
    session.finish(facts, lambda: summary(document))


def summary(document: Mapping[str, Any]) -> str:
    """Return what was written as text for a terminal."""
    found = document["agreement"]
    lines = [
        f"merged and unmerged model agree: {found['difference']:.2g} nats a token on average over "
        f"{found['rows']:,} rows of {found['part']}, tolerance {found['tolerance']:.2g}",
    ]
    if document["quantized_in_training"]:
        lines.append(
            f"note: the adapter was trained beside a base in {document['quantized_in_training']}; "
            "the merged weights are that base's, unpacked"
        )
    lines.append(f"model ({document['dtype']}): {document['output']}")
    if document["gguf"]:
        lines.append(f"GGUF: {Path(document['output']) / document['gguf']}")
    return "\n".join(lines)
