"""Attach files to a run, and give them back byte for byte.

A manifest can be tens of megabytes of very repetitive JSON. It is compressed into a file of the
system while it arrives, and goes from there to the database a few parts at a time, so that others
get their turn to write; it is decompressed while it leaves. Little of it is in memory at any time.
"""

import asyncio
import re
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TypeVar, TypeVarTuple

from runhook.domain.errors import InvalidError, NotFoundError, TooLargeError
from runhook.domain.people.callers import Actor
from runhook.domain.people.quotas import DEFAULT_QUOTAS, Quotas, room_for_artifact, too_much_of_run
from runhook.domain.runs.run import AccountId, JobId, RunId, RunStatus
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.people.permitted import permitted
from runhook.operations.processors import threads_beside
from runhook.storage.engine.pages import Slice
from runhook.storage.engine.store import Store
from runhook.storage.runs.artifacts import (
    OF_RUN,
    PART,
    Artifact,
    ArtifactId,
    add_parts,
    begin_artifact,
    count_artifacts,
    find_artifact,
    finish_artifact,
    holds_run,
    read_part,
)
from runhook.storage.runs.rows import RunFilter, RunOrder, find_run, list_uncounted_runs

Given = TypeVarTuple("Given")
Got = TypeVar("Got")

NAME = re.compile(r"(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]{1,100}")
LEVEL = 1
"""Of compression: a tenth of the size for a tenth of the time of the best level."""
PIECE = 256 << 10
"""How many bytes of a file that arrives are compressed at once."""
PIECE_READ = 64 << 10
"""How many bytes of a file that leaves are decompressed at once: each slow reader holds some."""
COMPLETED = (RunStatus.SUCCESS, RunStatus.ERROR)
PARTS_AT_ONCE = 4
"""How many parts one transaction writes: as long as that takes, others wait to write on SQLite."""
THREADS = threads_beside("files")
"""Where files are compressed and decompressed, a piece at a time."""


async def attach_artifact(
    store: Store,
    account_id: AccountId,
    run_id: RunId,
    name: str,
    chunks: AsyncIterable[bytes],
    *,
    actor: Actor,
    largest: int,
    step: int = OF_RUN,
    quotas: Quotas = DEFAULT_QUOTAS,
    folder: Path | None = None,
) -> int:
    """Add a file to a run, or replace the one of that name and step; return its size in bytes.

    Args:
        store: where it goes.
        account_id: whose run it is.
        run_id: which run, also one that is over.
        name: of the file, without a folder.
        chunks: the file.
        actor: who sends it.
        largest: how many bytes it may have.
        step: position of the step that wrote it, from 1.
        quotas: say how many files a run may have, and how many bytes all of them.
        folder: where it lies until it is whole; the system's for such files if None.

    Raises:
        InvalidError: the name is none of a file.
        NotFoundError: the account has no such run.
        ConflictError: the run has as many files as it may have.
        TooLargeError: it has more bytes than that, or than is left; nothing of it is seen.
    """
    if not NAME.fullmatch(name):
        raise InvalidError(
            f"`{name[:40]}` is not a file's name of 1 to 100 characters, without a folder",
            field="name",
        )
    # Refused before the upload, to spare it.
    async with store.read() as tx:
        if await find_run(tx, account_id, run_id) is None:
            raise NotFoundError
        room = room_for_artifact(*await count_artifacts(tx, run_id), quotas)
    refused = too_large(largest) if largest <= room else too_much_of_run(quotas)
    with TemporaryFile(dir=folder) as file:
        size = await compress(chunks, file, largest=min(largest, room), refused=refused)
        await write_artifact(
            store,
            account_id,
            run_id,
            name,
            file,
            actor=actor,
            size=size,
            step=step,
            quotas=quotas,
        )
    return size


async def compress(
    chunks: AsyncIterable[bytes], file: IO[bytes], *, largest: int, refused: TooLargeError
) -> int:
    """Compress what arrives into a file, off the event loop; return how many bytes arrived.

    Raises:
        TooLargeError: they are more than ``largest``; it is ``refused``.
    """
    compressor = zlib.compressobj(LEVEL)
    waiting = bytearray()
    size = 0

    def write(content: bytes) -> None:
        file.write(compressor.compress(content))

    async for chunk in chunks:
        size += len(chunk)
        if size > largest:
            raise refused
        waiting += chunk
        if len(waiting) >= PIECE:
            await on_thread(write, bytes(waiting))
            waiting.clear()
    await on_thread(write, bytes(waiting))
    file.write(compressor.flush())
    return size


async def on_thread(work: Callable[[*Given], Got], *given: *Given) -> Got:
    """Do something with a file on a thread."""
    return await asyncio.get_running_loop().run_in_executor(THREADS, work, *given)


async def write_artifact(
    store: Store,
    account_id: AccountId,
    run_id: RunId,
    name: str,
    file: IO[bytes],
    *,
    actor: Actor,
    size: int,
    step: int,
    quotas: Quotas,
) -> None:
    """Write a compressed file to the database, a few parts at a time; the last ones show it.

    Raises:
        NotFoundError: the run has gone meanwhile.
        ConflictError, TooLargeError: others have taken its room meanwhile.
    """
    left = file.tell()
    file.seek(0)
    artifact_id: ArtifactId | None = None
    for turn in count():
        parts = await on_thread(read_parts, file)
        left -= sum(map(len, parts))
        artifact_id = await write_parts(
            store,
            account_id,
            run_id,
            name=name,
            artifact_id=artifact_id,
            first=turn * PARTS_AT_ONCE,
            parts=parts,
            is_last=not left,
            actor=actor,
            size=size,
            step=step,
            quotas=quotas,
        )
        if not left:
            return


@repeats_contended
async def write_parts(
    store: Store,
    account_id: AccountId,
    run_id: RunId,
    *,
    name: str,
    artifact_id: ArtifactId | None,
    first: int,
    parts: Sequence[bytes],
    is_last: bool,
    actor: Actor,
    size: int,
    step: int,
    quotas: Quotas,
) -> ArtifactId:
    """Write the next parts of a file; the first ones begin it, with no id yet. Errors as above."""
    async with store.write() as tx:
        await permitted(tx, actor)
        if artifact_id is None:
            if not await holds_run(tx, account_id, run_id):
                raise NotFoundError
            if size > room_for_artifact(*await count_artifacts(tx, run_id), quotas):
                raise too_much_of_run(quotas)
            artifact_id = await begin_artifact(tx, run_id, name, size=size, step=step)
        await add_parts(tx, artifact_id, first, parts)
        if is_last and not await finish_artifact(tx, account_id, run_id, artifact_id):
            raise NotFoundError
    return artifact_id


def read_parts(file: IO[bytes]) -> list[bytes]:
    """Read the next parts of a file, as many as one transaction writes."""
    return [part for _ in range(PARTS_AT_ONCE) if (part := file.read(PART))]


def too_large(largest: int) -> TooLargeError:
    """Error that names the largest size of a file, and its setting."""
    return TooLargeError(
        f"An artifact may have {largest >> 20} MiB here, as RUNHOOK_ARTIFACT_MEGABYTES says."
    )


async def look_at_artifact(
    store: Store, account_id: AccountId, run_id: RunId, name: str, step: int | None = None
) -> Artifact:
    """Find a file of a run, to be read with ``pieces_of``; by default the last step's.

    Raises:
        NotFoundError: the account has no such run, or that has no such file.
    """
    async with store.read() as tx:
        artifact = await find_artifact(tx, account_id, run_id, name, step)
    if artifact is None:
        raise NotFoundError
    return artifact


async def look_at_artifact_of_job(
    store: Store, account_id: AccountId, job_id: JobId, name: str
) -> Artifact:
    """Find a file of a job's last completed run, to be read with ``pieces_of``.

    Raises:
        NotFoundError: the job has no such run, or that has no such file.
    """
    wanted = RunFilter(job_ids=[job_id], statuses=COMPLETED)
    last = Slice(order=RunOrder.ID, is_descending=True, limit=1)
    async with store.read() as tx:
        for one in await list_uncounted_runs(tx, account_id, wanted, last):
            artifact = await find_artifact(tx, account_id, one.run.id, name)
            if artifact is not None:
                return artifact
    raise NotFoundError


async def pieces_of(store: Store, artifact: Artifact) -> AsyncIterator[bytes]:
    """Yield a file as it was sent, at most ``PIECE_READ`` bytes at a time.

    Each part is read in a transaction of its own: a client may take its time.
    """
    decompressor = zlib.decompressobj()
    for number in count():
        async with store.read() as tx:
            rest = await read_part(tx, artifact.id, number)
        if rest is None:
            return
        while rest:
            yield await on_thread(decompressor.decompress, rest, PIECE_READ)
            rest = decompressor.unconsumed_tail
