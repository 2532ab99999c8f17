"""Why a training broke off, in words that say what is left of it and what to do."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch

from ...workspace.errors import JobError
from ..models.base_model import first_line
from ..recipe import Recipe
from .checkpoints import Checkpoints

_FULL_NUMBERS = {errno.ENOSPC, errno.EDQUOT}
# What libraries that are no Python make of the same: safetensors, polars, torch's own files.
_FULL_TEXTS = ("No space left on device", "Disk quota exceeded", "os error 28", "os error 122")
_UNWRITTEN_TEXTS = ("PytorchStreamWriter failed writing", "iostream error", "file write failed")
_NO_MEMORY_TEXTS = (
    "DefaultCPUAllocator: not enough memory",
    "DefaultCPUAllocator: can't allocate memory",
    "out of memory",
    "ALLOC_FAILED",
)


def explain(error: Exception, recipe: Recipe, checkpoints: Checkpoints) -> JobError | None:
    """Say what a failure within a training means; None where that is not known.

    Args:
        error: as the libraries raised it.
        recipe: of the run.
        checkpoints: what the run can go on from; what is half written is removed from them, so
            that there is room again for the log.
    """
    if is_out_of_memory(error):
        return _out_of_memory(recipe, checkpoints)
    if is_disk_full(error):
        checkpoints.remove_unfinished()
        free = shutil.disk_usage(checkpoints.folder.parent).free
        return JobError(
            "the disk is full",
            where=str(checkpoints.folder),
            fix=f"free some space ({free / 1e6:,.0f} MB are left now), then {goes_on(checkpoints)}",
        )
    return None


def goes_on(checkpoints: Checkpoints) -> str:
    """Say from where the same command would go on."""
    checkpoint = checkpoints.newest()
    if checkpoint is None:
        return "there is no checkpoint yet: the same command begins anew"
    return f"the same command goes on after step {checkpoint.step:,}"


def kept_so_far(checkpoints: Checkpoints) -> str:
    """Say where the last whole state lies; empty where there is none."""
    checkpoint = checkpoints.newest()
    if checkpoint is None:
        return ""
    return f"; the state after step {checkpoint.step:,} is kept in {checkpoint.folder}"


def unreadable(error: Exception, checkpoint: Path) -> JobError:
    """Say that a checkpoint is damaged: what the libraries raise before the first step is that."""
    return JobError(
        f"the checkpoint cannot be read: {first_line(error)}",
        where=str(checkpoint),
        fix="begin anew with --restart",
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory is used up, the device's or the processor's."""
    return any(
        isinstance(one, torch.OutOfMemoryError | MemoryError)
        or (isinstance(one, RuntimeError) and _says(one, _NO_MEMORY_TEXTS))
        for one in _chain(error)
    )


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error says that something cannot be written for want of space."""
    return any(
        (isinstance(one, OSError) and one.errno in _FULL_NUMBERS)
        or _says(one, _FULL_TEXTS + _UNWRITTEN_TEXTS)
        for one in _chain(error)
    )


def out_of_memory(recipe: Recipe, rest: str = "") -> JobError:
    """Propose what needs less memory and learns the same.

    Args:
        recipe: of the run.
        rest: what to do where nothing is changed.
    """
    if recipe.batch_size > 1:
        half = (recipe.batch_size + 1) // 2
        less = (
            f"set batch_size = {half} and gradient_accumulation = "
            f"{2 * recipe.gradient_accumulation}, which learns the same in less memory"
        )
    else:
        less = f"set max_length below {recipe.max_length:,}, or take a smaller model"
    return JobError("the memory of the device is full", where="batch_size", fix=less + rest)


def _out_of_memory(recipe: Recipe, checkpoints: Checkpoints) -> JobError:
    """Propose what needs less memory, and say what is left of the run."""
    rest = goes_on(checkpoints) if checkpoints.newest() else ""
    unchanged = f"; unchanged, with more memory free, {rest}" if rest else ""
    return out_of_memory(recipe, unchanged)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Go through an error and what it came from."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _says(error: BaseException, texts: tuple[str, ...]) -> bool:
    said = str(error)
    return any(text in said for text in texts)
