"""Disks that take no more, without a disk of their own."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def files_no_larger_than(largest: Path, process_id: int) -> Iterator[None]:
    """Let a process make no file larger than one is now."""
    before = resource.prlimit(process_id, resource.RLIMIT_FSIZE)
    _, most = before
    resource.prlimit(process_id, resource.RLIMIT_FSIZE, (largest.stat().st_size, most))
    yield
    resource.prlimit(process_id, resource.RLIMIT_FSIZE, before)
