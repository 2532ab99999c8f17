"""What the machine offers: device, number format and threads, chosen once for a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where and how a model computes.

    Attributes:
        device: ``cpu``, ``cuda`` or ``mps``.
        dtype: ``float32`` or ``bfloat16``.
        threads: processor threads.
    """

    device: str
    dtype: str
    threads: int

    @property
    def torch_dtype(self) -> torch.dtype:
        """The number format as torch knows it."""
        return torch.bfloat16 if self.dtype == "bfloat16" else torch.float32


def choose_hardware(*, dtype: str = "auto", threads: int | None = None) -> Hardware:
    """Choose the device, the number format and the threads, and set the threads.

    A processor computes in float32 unless told otherwise: without bfloat16 instructions that
    format is many times slower, and with them (1.4 times faster on a 20 M model) the losses are
    rounded more than checkpoints of a small model differ.

    Args:
        dtype: ``auto``, ``float32`` or ``bfloat16``.
        threads: None chooses (see :func:`usable_threads`).
    """
    device = "cpu"
    if torch.cuda.is_available():
        device = "cuda"
    elif torch.backends.mps.is_available():
        device = "mps"
    if dtype == "auto":
        fast = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        dtype = "bfloat16" if fast else "float32"
    chosen = threads or usable_threads()
    torch.set_num_threads(chosen)
    return Hardware(device, dtype, chosen)


def usable_threads() -> int:
    """Return ``OMP_NUM_THREADS`` where set, else the real cores that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    visible = len(psutil.Process().cpu_affinity() or []) if psutil.LINUX else os.cpu_count()
    real = psutil.cpu_count(logical=False)
    limits = [limit for limit in (visible, real, _quota()) if limit]
    return max(1, min(limits, default=1))


def _quota() -> int | None:
    """Return the cores that a container's share of processor time amounts to."""
    try:
        quota, period = _CPU_QUOTA.read_text(encoding="ascii").split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None
