"""Accept dbt Core's own uploads: give out a place for an archive, and publish its run.

dbt sends no token with the archive. The place's secret is the permission, as long as the caller
that asked for it may report runs, and for one run.
"""

import asyncio
import secrets
from collections.abc import AsyncIterable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from runhook.domain.errors import ConflictError, InvalidError, NotFoundError, UnauthorizedError
from runhook.domain.numbers import id_in
from runhook.domain.people.callers import Actor
from runhook.domain.runs.run import AccountId, Run
from runhook.domain.runs.uploads import Belonging, Uploaded, read_upload
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.people.authenticate import token_digest
from runhook.operations.people.permitted import permitted
from runhook.operations.runs.artifacts import too_large
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Finish, Start
from runhook.storage.engine.pages import Slice
from runhook.storage.engine.store import Store
from runhook.storage.runs.jobs import NameOrder, ScopeFilter, list_environments
from runhook.storage.runs.uploads import (
    UploadPlace,
    find_upload_place,
    insert_upload_place,
    use_upload_place,
)

LIFETIME = timedelta(minutes=15)
LONGEST_NAME = 255
NOT_GOOD = "This upload place has expired, or is not valid; request another one."


@repeats_contended
async def give_place(store: Store, account_id: AccountId, environment: str, *, actor: Actor) -> str:
    """Create a place for an upload; return its secret, fit for a path.

    Args:
        store: keeps the place, by the secret's digest.
        account_id: whose upload it is for.
        environment: an environment's id, or the name of one that may yet come into being.
        actor: who asks for it.

    Raises:
        NotFoundError: the account has no environment of this id.
        InvalidError: the name is too long.
    """
    belonging = await belonging_of(store, account_id, environment)
    secret = secrets.token_urlsafe(32)
    async with store.write() as tx:
        await permitted(tx, actor)
        await insert_upload_place(
            tx,
            account_id,
            token_digest(secret),
            actor=actor,
            belonging=belonging,
            lifetime=LIFETIME,
        )
    return secret


async def belonging_of(store: Store, account_id: AccountId, environment: str) -> Belonging:
    """Where runs of an environment belong; a text that is not a number is its name."""
    number = id_in(environment)
    if number is None:
        if len(environment) > LONGEST_NAME:
            raise InvalidError(f"An environment's name has at most {LONGEST_NAME} characters.")
        return Belonging(environment)
    async with store.read() as tx:
        one = Slice(order=NameOrder.ID, limit=1)
        found = await list_environments(tx, account_id, ScopeFilter(ids=[number]), one)
    if not found.items:
        raise NotFoundError(f"There is no environment {environment[:30]} in this account.")
    return Belonging(found.items[0].name, found.items[0].project.name)


@repeats_contended
async def look_at_place(store: Store, secret: str) -> UploadPlace:
    """Find an unused place.

    Raises:
        NotFoundError: there is none, or who asked for it may report no runs any more.
    """
    async with store.write() as tx:
        place = await find_upload_place(tx, token_digest(secret))
        if place is None:
            raise NotFoundError(NOT_GOOD)
        try:
            await permitted(tx, place.actor)
        except UnauthorizedError:
            raise NotFoundError(NOT_GOOD) from None
    return place


async def take_archive(
    publisher: Publisher,
    store: Store,
    place: UploadPlace,
    chunks: AsyncIterable[bytes],
    *,
    largest: int,
    reading: asyncio.Semaphore,
    folder: Path | None = None,
) -> Run | None:
    """Publish the run that an archive tells of; the same archive again is the same run.

    Args:
        publisher: takes the reports.
        store: has the place.
        place: whose run it is.
        chunks: the archive.
        largest: how many bytes it, or a file in it, may have.
        reading: taken while it is read, which takes a thread and memory.
        folder: where it lies meanwhile; the system's for such files if None.

    Returns:
        the run, None if there is none to tell of.

    Raises:
        TooLargeError: the archive is.
        InvalidError: it is refused, or what is in it is not dbt's.
        ConflictError: the place was used for another run, or the invocation was told of before,
            with other facts.
        UnauthorizedError: who asked for the place may report no runs any more.
    """
    with TemporaryFile(dir=folder) as file:
        await keep_upload(chunks, file, largest=largest)
        async with reading:
            uploaded = await asyncio.to_thread(
                read_archive, file, place.belonging, largest=largest, folder=folder
            )
    if uploaded is None:
        return None
    await use_place(store, place, uploaded.start.run_key)
    start = Start(place.account_id, uploaded.start, actor=place.actor)
    started = await publisher.publish(start)
    finish = Finish(place.account_id, started.run.id, uploaded.finish, actor=place.actor)
    return (await publisher.publish(finish)).run


@repeats_contended
async def use_place(store: Store, place: UploadPlace, run_key: str) -> None:
    """Bind a place to this run.

    Raises:
        ConflictError: the place was used for another run.
        UnauthorizedError: who asked for the place may report no runs any more.
    """
    async with store.write() as tx:
        await permitted(tx, place.actor)
        if not await use_upload_place(tx, place.id, run_key):
            raise ConflictError("This upload place was used for another run; request another one.")


async def keep_upload(chunks: AsyncIterable[bytes], file: IO[bytes], *, largest: int) -> None:
    """Write what arrives to a file, off the event loop.

    Raises:
        TooLargeError: it has more than ``largest`` bytes.
    """
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > largest:
            raise too_large(largest)
        await asyncio.to_thread(file.write, chunk)


def read_archive(
    file: IO[bytes], belonging: Belonging, *, largest: int, folder: Path | None
) -> Uploaded | None:
    """Read the run in an archive; errors as of ``read_upload``."""
    with TemporaryFile(dir=folder) as scratch:
        return read_upload(file, belonging, scratch=scratch, largest=largest)
