"""Archives of dbt's artifacts: as dbt makes them, and as no program should."""

import json
import zipfile
from collections.abc import Mapping
from io import BytesIO

INVOCATION = "5a6e4ef0-7b5e-4b5b-9a43-3d1f4e0f0a11"
METADATA = {
    "dbt_version": "1.11.16",
    "generated_at": "2026-03-01T04:07:31.640270Z",
    "invocation_id": INVOCATION,
    "env": {},
}


def run_results(
    *statuses: str,
    tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, object] | None = None,
    **document: object,
) -> bytes:
    """A run_results.json whose nodes ended so."""
    nodes = [
        {
            "unique_id": f"model.shop.m{number}",
            "status": status,
            "execution_time": 0.5,
            "message": f"Database Error in model m{number}" if status == "error" else None,
        }
        for number, status in enumerate(statuses)
    ]
    return json.dumps(
        {
            "metadata": {**METADATA, "env": dict(tags or {}), **(metadata or {})},
            "results": nodes,
            "elapsed_time": 60.5,
            "args": {"which": "build"},
            **document,
        }
    ).encode()


def archive(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of these files; not compressed, as dbt's."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return buffer.getvalue()


def an_upload(
    *statuses: str,
    manifest: bytes = b'{"metadata": {"project_name": "shop"}, "nodes": {}}',
    **fields: object,
) -> bytes:
    """An archive as dbt uploads it after a command whose nodes ended so."""
    results = run_results(*(statuses or ("success",)), **fields)
    return archive({"manifest.json": manifest, "run_results.json": results})
