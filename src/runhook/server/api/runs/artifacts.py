"""Files of a run: sent by its reporter as they are, and given back byte for byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from typing import Annotated

from litestar import get, put
from litestar.exceptions import ClientException, InternalServerException
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from msgspec import Struct

from runhook.domain.errors import InvalidError, NotFoundError
from runhook.domain.people.callers import Caller
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.run import JobId, RunId
from runhook.operations.runs.artifacts import (
    attach_artifact,
    look_at_artifact,
    look_at_artifact_of_job,
    pieces_of,
    too_large,
)
from runhook.server.access.authentication import needs
from runhook.server.api.wire import Envelope
from runhook.server.http.heads import ASKED_BY_HEAD
from runhook.server.http.request import AnyRequest
from runhook.server.http.transfers import HELD, holding
from runhook.server.services import Calling, Services, Serving
from runhook.storage.runs.artifacts import OF_RUN, Artifact, list_artifacts
from runhook.storage.runs.rows import find_run


class ArtifactOut(Struct, kw_only=True):
    """A stored file; ``size`` is in bytes."""

    run_id: int
    name: str
    size: int


LARGEST_STEP = 1_000
Step = Annotated[int | None, QueryParameter(ge=1, le=LARGEST_STEP)]
"""Position of a step in its run, from 1."""

LONGEST_TRANSFER = timedelta(minutes=15)
"""How long a file may take to come in."""


@put(
    "/runs/{run_id:int}/artifacts/{name:str}",
    status_code=200,
    # The service's own limit for these, which is a setting, holds instead.
    request_max_body_size=None,
    **needs(Permission.REPORT_RUNS),
)
async def put_artifact(
    request: AnyRequest,
    services: Serving,
    caller: Calling,
    run_id: FromPath[int],
    name: FromPath[str],
    *,
    step: Step = None,
) -> Envelope[ArtifactOut]:
    """Attach a file to a run or to one of its steps, or replace it; also after the run's end."""
    if (request.content_length or 0) > services.largest_artifact:
        raise too_large(services.largest_artifact)
    with services.arriving.one_more(caller.account_id):
        async with in_time():
            size = await attach_artifact(
                services.store,
                caller.account_id,
                RunId(run_id),
                name,
                chunks_of(request),
                actor=caller.actor,
                largest=services.largest_artifact,
                step=step or OF_RUN,
                quotas=services.quotas,
                folder=services.scratch_folder,
            )
    return Envelope(data=ArtifactOut(run_id=run_id, name=name, size=size))


@get("/runs/{run_id:int}/artifacts", **needs(Permission.READ_RUNS))
async def show_artifacts(
    services: Serving, caller: Calling, run_id: FromPath[int], step: Step = None
) -> Envelope[list[str]]:
    """List the names of a run's files, or of those that one of its steps has written."""
    known_id = RunId(run_id)
    async with services.store.read() as tx:
        if await find_run(tx, caller.account_id, known_id) is None:
            raise NotFoundError
        names = await list_artifacts(tx, caller.account_id, known_id, step)
    return Envelope(data=list(names))


@get(
    "/runs/{run_id:int}/artifacts/{name:str}",
    middleware=[holding],
    **needs(Permission.READ_RUNS),
)
async def get_artifact(
    request: AnyRequest,
    services: Serving,
    caller: Calling,
    run_id: FromPath[int],
    name: FromPath[str],
    *,
    step: Step = None,
) -> Stream:
    """Download a file of a step; without ``step``, of the last one that has written it."""
    run = RunId(run_id)
    artifact = await look_at_artifact(services.store, caller.account_id, run, name, step)
    return stream_of(artifact, name, request, services, caller)


@get(
    "/jobs/{job_id:int}/artifacts/{name:str}",
    middleware=[holding],
    **needs(Permission.READ_RUNS),
)
async def get_job_artifact(
    request: AnyRequest,
    services: Serving,
    caller: Calling,
    job_id: FromPath[int],
    name: FromPath[str],
) -> Stream:
    """Download a file of the job's last completed run, successful or not."""
    artifact = await look_at_artifact_of_job(services.store, caller.account_id, JobId(job_id), name)
    return stream_of(artifact, name, request, services, caller)


def stream_of(
    artifact: Artifact, name: str, request: AnyRequest, services: Services, caller: Caller
) -> Stream:
    """Response with a file, which counts among the account's transfers until it is sent."""
    is_head = ASKED_BY_HEAD in request.scope["state"]
    if not is_head:
        held: ExitStack = request.scope["state"][HELD]
        held.enter_context(services.leaving.one_more(caller.account_id))
    return Stream(
        iter(()) if is_head else pieces_of(services.store, artifact),
        # A file that calls itself HTML must not become a page of ours.
        media_type="application/json" if name.endswith(".json") else "application/octet-stream",
        headers={"Content-Length": str(artifact.size), "X-Content-Type-Options": "nosniff"},
    )


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Limit how long a file may take to arrive.

    Raises:
        ClientException: it takes longer.
    """
    try:
        async with asyncio.timeout(LONGEST_TRANSFER.total_seconds()):
            yield
    except TimeoutError:
        raise ClientException(
            status_code=408,
            detail=f"The file took longer than {LONGEST_TRANSFER // timedelta(minutes=1)} minutes.",
        ) from None


async def chunks_of(request: AnyRequest) -> AsyncIterator[bytes]:
    """Yield the body as it arrives.

    Raises:
        ClientException: it is compressed.
        InvalidError: its sender went away before its end.
    """
    encoding = request.headers.get("content-encoding", "identity").strip()
    if encoding.lower() not in ("identity", ""):
        raise ClientException(
            status_code=415,
            detail=f"The file is compressed ({encoding[:40]}); send it as it is, "
            "without Content-Encoding.",
        )
    try:
        async for chunk in request.stream():
            yield chunk
    except InternalServerException:
        raise InvalidError("The file broke off before its end.") from None


READS = [show_artifacts, get_artifact, get_job_artifact]
