"""GGUF by llama.cpp's own converter, where the user has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...workspace.errors import JobError, UsageError

SCRIPT = "convert_hf_to_gguf.py"
VARIABLE = "LLAMA_CPP"
# What the converter writes itself; smaller ones are made from these by llama-quantize.
TYPES = ("f32", "f16", "bf16", "q8_0", "auto")
_LINES_TOLD = 5


@dataclass(frozen=True, slots=True)
class Converter:
    """The converter's script."""

    script: Path

    def convert(self, model: Path, target: Path, kind: str) -> None:
        """Convert the folder of a whole model.

        Args:
            model: has config, weights and tokenizer.
            target: the file to write; it appears whole or not at all.
            kind: one of :data:`TYPES`.

        Raises:
            JobError: the converter failed; its last lines say why.
        """
        unfinished = target.with_name(f".{target.name}.unfinished")
        command = [sys.executable, str(self.script), str(model), "--outfile", str(unfinished)]
        try:
            done = subprocess.run(
                [*command, "--outtype", kind],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                check=False,
            )
            if done.returncode or not unfinished.is_file():
                said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-_LINES_TOLD:])
                raise JobError(
                    f"llama.cpp's converter failed (exit code {done.returncode}): {said}",
                    where=str(self.script),
                    fix="see what it says: the model may be of a kind that it does not know, or it "
                    "may need `pip install gguf`",
                )
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)


def find_converter(named: Path | None, environment: Mapping[str, str] | None = None) -> Converter:
    """Find the converter: where the user says, in ``LLAMA_CPP``, or on the PATH.

    Args:
        named: its script or the folder of llama.cpp; None looks elsewhere.
        environment: of this process by default.

    Raises:
        UsageError: it is not there, with how to get it.
    """
    environment = os.environ if environment is None else environment
    told = named or (Path(environment[VARIABLE]) if environment.get(VARIABLE) else None)
    if told is not None:
        told = told.expanduser()
        script = told / SCRIPT if told.is_dir() else told
        if not script.is_file():
            raise UsageError(
                f"there is no {SCRIPT} where it is said to be",
                where=str(told),
                fix="name the folder of llama.cpp's source, or the script",
            )
        return Converter(script.resolve())
    found = shutil.which(SCRIPT, path=environment.get("PATH"))
    if found is None:
        raise UsageError(
            f"GGUF is written by llama.cpp's {SCRIPT}, which is not on this machine",
            where=f"--llama-cpp, {VARIABLE}, PATH",
            fix="git clone https://github.com/ggml-org/llama.cpp, pip install gguf, and give "
            "--llama-cpp FOLDER",
        )
    return Converter(Path(found).resolve())
