"""dbt Core's own upload of artifacts, as JSON."""

from msgspec import Struct


class IngestOut(Struct, kw_only=True):
    """Where dbt may put its archive; both are good for some minutes."""

    id: str
    upload_url: str


class UploadOut(Struct, kw_only=True):
    """What became of an archive; null if it tells of no run, or of one that is reported anyway."""

    run_id: int | None
