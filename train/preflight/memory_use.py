"""How much memory a run has in use."""

from __future__ import annotations

import psutil
import torch


def memory_in_use() -> int:
    """Return the bytes in use: the most that this process had on its GPU, else in main memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    if torch.backends.mps.is_available():
        return torch.mps.current_allocated_memory()
    return psutil.Process().memory_info().rss
