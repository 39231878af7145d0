"""dbt Core's own upload of artifacts, at the paths that it knows.

dbt asks for a place, uploads the archive there without its token, and confirms. The upload is what
counts: the confirmation changes nothing.
"""

from litestar import patch, post, put
from litestar.params import FromPath
from msgspec import Struct

from runhook.domain.errors import NotFoundError
from runhook.domain.people.permissions import Permission
from runhook.operations.runs.artifacts import too_large
from runhook.operations.runs.ingest import give_place, look_at_place, take_archive
from runhook.server.access.authentication import Access, needs, open_to
from runhook.server.api.runs.artifacts import chunks_of, in_time
from runhook.server.api.wire import Envelope
from runhook.server.http.origin import base_url
from runhook.server.http.request import AnyRequest
from runhook.server.services import Calling, Services, Serving


class IngestOut(Struct, kw_only=True):
    """Place for dbt's archive, valid for some minutes."""

    id: str
    upload_url: str


class UploadOut(Struct, kw_only=True):
    """Run of an uploaded archive; null if it has none, or if the run is reported in another way."""

    run_id: int | None


@post(
    "/environments/{environment_id:str}/ingests",
    status_code=200,
    **needs(Permission.REPORT_RUNS),
)
async def begin_upload(
    request: AnyRequest, services: Serving, caller: Calling, environment_id: FromPath[str]
) -> Envelope[IngestOut]:
    """Give dbt a place for its archive; the environment is an id, or a name."""
    place = await give_place(services.store, caller.account_id, environment_id, actor=caller.actor)
    url = f"{base_for_dbt(request, services)}/api/private/uploads/{place}"
    return Envelope(data=IngestOut(id=place, upload_url=url))


@put(
    "/api/private/uploads/{ticket:str}",
    status_code=200,
    # The service's own limit for artifacts, which is a setting, holds instead.
    request_max_body_size=None,
    **open_to(Access.ANYONE),
)
async def put_archive(
    request: AnyRequest, services: Serving, ticket: FromPath[str]
) -> Envelope[UploadOut]:
    """Upload an archive of artifacts, and report its run. The path is the permission."""
    place = await look_at_place(services.store, ticket)
    if (request.content_length or 0) > services.largest_artifact:
        raise too_large(services.largest_artifact)
    with (
        services.in_places.one_more(place.id),
        services.arriving.one_more(place.account_id),
    ):
        async with in_time():
            run = await take_archive(
                services.publisher,
                services.store,
                place,
                chunks_of(request),
                largest=services.largest_artifact,
                reading=services.reading_uploads,
                folder=services.scratch_folder,
            )
    return Envelope(data=UploadOut(run_id=None if run is None else run.id))


@patch(
    "/environments/{environment_id:str}/ingests/{ingest_id:str}",
    status_code=204,
    **needs(Permission.REPORT_RUNS),
)
async def end_upload(
    services: Serving, caller: Calling, environment_id: FromPath[str], ingest_id: FromPath[str]
) -> None:
    """Accept dbt's confirmation of an upload, which changes nothing."""
    del environment_id
    place = await look_at_place(services.store, ingest_id)
    if place.account_id != caller.account_id:
        raise NotFoundError


def base_for_dbt(request: AnyRequest, services: Services) -> str:
    """URL under which dbt reaches this service: https, as a proxy may have removed it."""
    _, _, place = base_url(request, services.public_url).partition("://")
    return services.public_url or f"https://{place}"


HANDLERS = [begin_upload, end_upload]
