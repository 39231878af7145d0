"""Deleted jobs, environments and projects as JSON."""

from msgspec import Struct


class DeletedScope(Struct, kw_only=True):
    """What is left of a job, an environment or a project that was deleted."""

    id: int
