"""Recipe, preflight, LoRA training and checkpoints."""

import logging
import os

# Read by OpenMP when torch is first imported, so it must be set before any module here does that.
# Threads that spin while they wait make a busy machine crawl.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# It offers a faster kernel of the Hub to everybody who has none, whenever PEFT is imported.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
