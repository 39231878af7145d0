"""dbt Core's own upload of artifacts, as JSON."""

from msgspec import Struct


class IngestOut(Struct, kw_only=True):
    """Where dbt may put its archive; both are good for some minutes."""

    id: str
    upload_url: str


class UploadOut(Struct, kw_only=True):
    """Run of an uploaded archive; null if it has none, or one that is reported in another way."""

    run_id: int | None
