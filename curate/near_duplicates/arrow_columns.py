"""Columns of 64-bit numbers in an Arrow file, written in batches and read one column at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np


class ArrowColumns:
    """A file that is gone when the context ends.

    Attributes:
        values: how many numbers each column has.
    """

    def __init__(self, path: Path, columns: int) -> None:
        """Begin a file.

        Args:
            path: where.
            columns: how many numbers stand side by side.
        """
        import pyarrow as pa

        self.values = 0
        self._path = path
        self._schema = pa.schema([(str(number), pa.uint64()) for number in range(columns)])
        self._writer = pa.ipc.new_file(path, self._schema)

    def __enter__(self) -> Self:
        """Begin a context."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the file."""
        self._writer.close()
        self._path.unlink(missing_ok=True)

    def write(self, columns: Sequence[np.ndarray]) -> None:
        """Write a batch: a piece of every column."""
        import pyarrow as pa

        arrays = [pa.array(column.view(np.uint64)) for column in columns]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        self.values += len(columns[0])

    def read(self, column: int) -> Iterator[np.ndarray]:
        """Read one column, batch by batch; nothing can be written any more."""
        import pyarrow as pa

        self._writer.close()
        only = pa.ipc.IpcReadOptions(included_fields=[column])
        with pa.OSFile(str(self._path)) as source:
            reader = pa.ipc.open_file(source, options=only)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number).column(0).to_numpy()
