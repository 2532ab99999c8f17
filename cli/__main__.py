"""Entry point of ``python -m tunewise.cli``, which the app uses for its jobs."""

from __future__ import annotations

from .main import main

if __name__ == "__main__":
    main()
