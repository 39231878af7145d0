"""Bring a whole service into another database: every row, the numbers given, and a comparison.

The rows of a batch and how far the copy has come are one transaction, so that a copy that was
killed goes on where it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runhook.domain.errors import ConflictError, InvalidError, NotFoundError
from runhook.domain.service.replicas import LONGEST_SILENCE
from runhook.operations.commits.repeating import repeats_contended
from runhook.storage.engine.schema import NEWEST, migrate, revision_of
from runhook.storage.engine.store import Store
from runhook.storage.service.contents import (
    TABLES,
    Rows,
    TableContent,
    batches_of,
    read_last_numbers,
    row_key,
    survey_tables,
    table_content,
    write_last_numbers,
    write_rows,
)
from runhook.storage.service.copying import (
    Copy,
    CopyPlace,
    begin_copy,
    find_copy,
    find_service_identifier,
    move_copy,
)
from runhook.storage.service.replicas import list_replicas

Told = Callable[[str, int], None]
"""Called after each batch with the name of its table, and how many of its rows are there now."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One table in both databases."""

    name: str
    source: TableContent
    target: TableContent

    @property
    def is_same(self) -> bool:
        """Whether all is the same in both."""
        return self.source == self.target


async def service_to_copy(source: Store) -> str:
    """What tells the service in a database from all others, if it can be copied now.

    Raises:
        InvalidError: a process serves it, or its schema is not this version's.
        NotFoundError: there is no service.
        UnavailableError: the database cannot be reached.
    """
    await refuse_other_schema(source)
    await refuse_served(source)
    async with source.read() as tx:
        service = await find_service_identifier(tx)
        copy = await find_copy(tx)
    if copy is not None and copy.place.table is not None:
        raise InvalidError("The source is itself a copy that is not finished: finish it first.")
    if service is None:
        raise NotFoundError("The source has tables, and no service: there is nothing to copy.")
    return service


async def copy_service(
    source: Store, target: Store, service: str, told: Told
) -> Sequence[Compared]:
    """Copy the service in one database into another, or go on with that, and compare both.

    Left out is which processes there were, and what they did for all. Where a table differs in the
    end, the copy stays unfinished.

    Args:
        source: a database that no process serves.
        target: an empty one, or one that the same copy was begun in.
        service: what tells the service from others.
        told: hears how far it is.

    Raises:
        InvalidError: a process has begun to serve the source.
        ConflictError: the target holds a service, or an unfinished copy of another one.
        UnavailableError: one of them cannot be reached.
    """
    await migrate(target)
    copy = await enter(target, service)
    place = copy.place
    if place.table is not None:
        place = await copy_rows(source, target, place, told)
        await copy_last_numbers(source, target)
    compared = [
        Compared(name, await table_content(source, name), await table_content(target, name))
        for name in TABLES
    ]
    await refuse_served(source)
    if all(one.is_same for one in compared):
        await bring_copy(target, place, CopyPlace(None))
    return compared


async def refuse_other_schema(source: Store) -> None:
    """See that the source's tables are this version's.

    Raises:
        InvalidError: they are not; says what to do.
    """
    schema = await revision_of(source)
    if schema == NEWEST:
        return
    if schema is not None and schema < NEWEST:
        raise InvalidError(
            f"The source is at schema {schema}, and this Runhook's is {NEWEST}: bring the source "
            "there with `runhook migrate` before it is copied."
        )
    raise InvalidError(
        f"The source is at schema {schema}, which a newer Runhook made: copy it with that version."
    )


async def refuse_served(source: Store) -> None:
    """See that no process has served the source lately; who copies from a file owns it.

    Raises:
        InvalidError: one has.
    """
    if source.file is not None:
        return
    async with source.read() as tx:
        living = [one.replica.name for one in await list_replicas(tx) if one.is_alive]
    if living:
        raise InvalidError(
            f"The source is being served by {', '.join(living)}: what changes meanwhile would not "
            f"be copied. Stop them first; one that was killed counts for {LONGEST_SILENCE.seconds} "
            "seconds."
        )


@repeats_contended
async def enter(target: Store, service: str) -> Copy:
    """Find the copy of a service in the target, or begin it.

    Raises:
        ConflictError: the target holds a service, or a copy of another one.
    """
    async with target.write() as tx:
        # Two may begin together, and one of them is first.
        await tx.database.lock_schema(tx.connection)
        copy = await find_copy(tx)
        if copy is None:
            if await find_service_identifier(tx) is not None:
                raise ConflictError("The target holds a service already: copy into an empty one.")
            copy = Copy(service, CopyPlace(TABLES[0]))
            await begin_copy(tx, copy)
    if copy.source != service:
        raise ConflictError(
            "The target holds a copy of another service, which nothing has served yet: copy into "
            "an empty database."
        )
    return copy


async def copy_rows(source: Store, target: Store, place: CopyPlace, told: Told) -> CopyPlace:
    """Copy the rows of all tables that follow a place; return the place of the last one."""
    assert place.table is not None
    for table in TABLES[TABLES.index(place.table) :]:
        if table != place.table:
            place = await bring_copy(target, place, CopyPlace(table))
        count = 0
        async for rows in batches_of(source, table, place.key):
            place = await bring_copy(
                target, place, CopyPlace(table, row_key(table, rows[-1])), rows
            )
            count += len(rows)
            told(table, count)
    return place


@repeats_contended
async def bring_copy(
    target: Store, before: CopyPlace, after: CopyPlace, rows: Rows = ()
) -> CopyPlace:
    """Bring a copy from one place to the next, with the rows between them."""
    async with target.write() as tx:
        # It comes first, and makes another process that copies wait, and then see that it is one.
        await move_copy(tx, before, after)
        if rows:
            assert after.table is not None
            await write_rows(tx, after.table, rows)
    return after


@repeats_contended
async def copy_last_numbers(source: Store, target: Store) -> None:
    """Let the target give no number again that the source has given, to a row that is gone even."""
    async with source.read() as tx:
        numbers = await read_last_numbers(tx)
    async with target.write() as tx:
        await write_last_numbers(tx, numbers)
        await survey_tables(tx)
