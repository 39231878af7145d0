"""Attach files to a run, and give them back byte for byte.

A manifest can be tens of megabytes of very repetitive JSON. It is compressed while it arrives and
decompressed while it leaves, so that at no time it is in memory as it is.
"""

import asyncio
import re
import zlib
from collections.abc import AsyncIterable, Iterator

from runhook.domain.callers import Actor
from runhook.domain.errors import InvalidError, NotFoundError, TooLargeError
from runhook.domain.runs import AccountId, RunId
from runhook.operations.permitted import permitted
from runhook.storage.artifacts import Artifact, find_artifact, put_artifact
from runhook.storage.runs import find_run
from runhook.storage.store import Store

NAME = re.compile(r"(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]{1,100}")
LEVEL = 1
"""Of compression: a tenth of the size for a tenth of the time of the best level."""
PIECE = 1 << 20
"""How many bytes of a file are in memory at once, as they are."""
SLICE = 1 << 16


async def attach_artifact(
    store: Store,
    account_id: AccountId,
    run_id: RunId,
    name: str,
    chunks: AsyncIterable[bytes],
    *,
    actor: Actor,
    largest: int,
) -> int:
    """Add a file to a run, or replace the one of that name; return its size in bytes.

    Args:
        store: where it goes.
        account_id: whose run it is.
        run_id: which run, also one that is over.
        name: of the file, without a folder.
        chunks: the file.
        actor: who sends it.
        largest: how many bytes it may have.

    Raises:
        InvalidError: the name is none of a file.
        NotFoundError: the account has no such run.
        TooLargeError: it has more bytes than that; nothing was stored.
    """
    if not NAME.fullmatch(name):
        raise InvalidError(
            f"`{name[:40]}` is not a file's name of 1 to 100 characters, without a folder",
            field="name",
        )
    # Whoever may not attach it need not send it.
    async with store.read() as tx:
        if await find_run(tx, account_id, run_id) is None:
            raise NotFoundError
    size, content = await compressed(chunks, largest=largest)
    async with store.write() as tx:
        await permitted(tx, actor)
        artifact = Artifact(name=name, size=size, content=content)
        if not await put_artifact(tx, account_id, run_id, artifact):
            raise NotFoundError
    return size


async def compressed(chunks: AsyncIterable[bytes], *, largest: int) -> tuple[int, bytes]:
    """Compress what arrives, off the event loop; return its size and the result.

    Raises:
        TooLargeError: it has more than ``largest`` bytes.
    """
    compressor = zlib.compressobj(LEVEL)
    done = bytearray()
    waiting = bytearray()
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > largest:
            raise too_large(largest)
        waiting += chunk
        if len(waiting) >= PIECE:
            done += await asyncio.to_thread(compressor.compress, bytes(waiting))
            waiting.clear()
    done += await asyncio.to_thread(compressor.compress, bytes(waiting))
    done += compressor.flush()
    return size, bytes(done)


def too_large(largest: int) -> TooLargeError:
    """Return the error that says how large a file may be, and what decides it."""
    return TooLargeError(
        f"An artifact may have {largest >> 20} MiB here, as RUNHOOK_ARTIFACT_MEGABYTES says."
    )


async def read_artifact(
    store: Store, account_id: AccountId, run_id: RunId, name: str
) -> tuple[int, Iterator[bytes]]:
    """Return a file's size in bytes, and its pieces.

    Raises:
        NotFoundError: the account has no such run, or that has no such file.
    """
    async with store.read() as tx:
        artifact = await find_artifact(tx, account_id, run_id, name)
    if artifact is None:
        raise NotFoundError
    return artifact.size, pieces_of(artifact.content)


def pieces_of(content: bytes) -> Iterator[bytes]:
    """Yield what was compressed, at most ``PIECE`` bytes at a time."""
    decompressor = zlib.decompressobj()
    for start in range(0, len(content), SLICE):
        rest = content[start : start + SLICE]
        while rest:
            yield decompressor.decompress(rest, PIECE)
            rest = decompressor.unconsumed_tail
    yield decompressor.flush()
