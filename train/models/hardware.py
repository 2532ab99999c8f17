"""What the machine offers: device, number format and threads, chosen once for a run."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
# The first compute capability with units for float16 matrices.
_VOLTA = (7, 0)


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where and how a model computes.

    Attributes:
        device: ``cpu``, ``cuda`` or ``mps``.
        dtype: ``float32``, ``bfloat16`` or ``float16``.
        threads: processor threads.
    """

    device: str
    dtype: str
    threads: int

    @property
    def torch_dtype(self) -> torch.dtype:
        """The number format as torch knows it."""
        return {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(self.dtype, torch.float32)


def choose_hardware(*, dtype: str = "auto", threads: int | None = None) -> Hardware:
    """Choose the device, the number format and the threads, and set the threads.

    A processor computes in float32 unless told otherwise: without bfloat16 instructions that
    format is many times slower, and with them (1.4 times faster on a 20 M model) the losses are
    rounded more than checkpoints of a small model differ. A GPU before Ampere has no bfloat16
    units, but from Volta on it is fast in float16, with losses scaled so that small gradients do
    not vanish (Micikevicius et al., "Mixed Precision Training", 2018).

    Args:
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        threads: None chooses (see :func:`usable_threads`).
    """
    device = "cpu"
    if torch.cuda.is_available():
        device = "cuda"
    elif torch.backends.mps.is_available():
        device = "mps"
    if dtype == "auto":
        dtype = _fast_on_gpu() if device == "cuda" else "float32"
    chosen = threads or usable_threads()
    torch.set_num_threads(chosen)
    return Hardware(device, dtype, chosen)


def _fast_on_gpu() -> str:
    """Return the shortest number format that the GPU computes in by itself."""
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return "bfloat16"
    return "float16" if torch.cuda.get_device_capability() >= _VOLTA else "float32"


def is_sharded() -> bool:
    """Tell whether `accelerate launch` started this process to hold a part of the weights only."""
    return os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"


def without_gradients() -> AbstractContextManager[object]:
    """Return a context in which a model computes what nothing is learned from.

    Weights that were put together from parts in PyTorch's inference mode could not learn again.
    """
    return torch.no_grad() if is_sharded() else torch.inference_mode()


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
