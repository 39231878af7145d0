"""Files of a run as JSON: no more than that they were taken."""

from msgspec import Struct


class ArtifactOut(Struct, kw_only=True):
    """A file that was taken; ``size`` is in bytes."""

    run_id: int
    name: str
    size: int
