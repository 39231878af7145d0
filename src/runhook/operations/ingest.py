"""Take what dbt Core uploads by itself: give out a place for an archive, and publish its run.

The place is a ticket: whose upload it is and how long it is good for, encrypted with the master
key. dbt sends no token with the archive, so that whoever has the ticket is let in; and nothing has
to be kept between its three requests, which may come to three replicas.
"""

import asyncio
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken

from runhook.clock import Clock
from runhook.domain.errors import InvalidError, NotFoundError
from runhook.domain.numbers import id_in
from runhook.domain.runs import AccountId, Run
from runhook.domain.signature import Secret
from runhook.domain.uploads import Belonging, read_upload
from runhook.operations.publish import Finish, Publisher, Start
from runhook.storage.jobs import Choice, NameOrder, list_environments
from runhook.storage.pages import Slice
from runhook.storage.store import Store

PURPOSE = "an upload of dbt's artifacts"
LIFETIME = timedelta(minutes=15)
LONGEST_TICKET = 4_096
LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place for an archive."""

    account_id: AccountId
    belonging: Belonging
    good_until: datetime


async def give_ticket(
    store: Store, account_id: AccountId, environment: str, *, clock: Clock
) -> str:
    """Return a new ticket, as a text that a path can hold.

    Args:
        store: its master key makes the ticket.
        account_id: whose upload it is for.
        environment: an environment's id, or the name of one that may yet come into being.
        clock: begins the ticket's lifetime.

    Raises:
        NotFoundError: the account has no environment of this id.
        InvalidError: the name is too long.
    """
    belonging = await belonging_of(store, account_id, environment)
    content = {
        "for": PURPOSE,
        "account_id": account_id,
        "belonging": asdict(belonging),
        "good_until": (clock.now() + LIFETIME).isoformat(),
    }
    async with store.read() as tx:
        return tx.vault.encrypt(Secret(json.dumps(content))).decode()


async def belonging_of(store: Store, account_id: AccountId, environment: str) -> Belonging:
    """Return where runs of an environment belong; what is no number is its name."""
    number = id_in(environment)
    if number is None:
        if len(environment) > LONGEST_NAME:
            raise InvalidError(f"An environment's name has at most {LONGEST_NAME} characters.")
        return Belonging(environment)
    async with store.read() as tx:
        one = Slice(order=NameOrder.ID, limit=1)
        found = await list_environments(tx, account_id, Choice(ids=[number]), one)
    if not found.items:
        raise NotFoundError(f"There is no environment {environment[:30]} in this account.")
    return Belonging(found.items[0].name, found.items[0].project.name)


async def open_ticket(store: Store, text: str, *, clock: Clock) -> Ticket:
    """Return what a ticket says.

    Raises:
        NotFoundError: it is none, or no longer good.
    """
    try:
        if len(text) > LONGEST_TICKET:
            raise NotFoundError
        async with store.read() as tx:
            content = json.loads(tx.vault.decrypt(text.encode()).reveal())
        if not isinstance(content, dict) or content.get("for") != PURPOSE:
            raise NotFoundError
    except (InvalidToken, ValueError):
        raise NotFoundError from None
    ticket = Ticket(
        account_id=AccountId(content["account_id"]),
        belonging=Belonging(**content["belonging"]),
        good_until=datetime.fromisoformat(content["good_until"]),
    )
    if ticket.good_until < clock.now():
        raise NotFoundError("This place for an upload is no longer good; ask for another one.")
    return ticket


async def take_archive(
    publisher: Publisher, ticket: Ticket, content: bytes, *, largest: int
) -> Run | None:
    """Publish the run that an archive tells of; the same archive again is the same run.

    Args:
        publisher: takes the reports.
        ticket: whose run it is.
        content: the archive.
        largest: how many bytes a file in it may have.

    Returns:
        the run, None if there is none to tell of.

    Raises:
        InvalidError: the archive is refused, or what is in it is not dbt's.
        ConflictError: the invocation was told of before, with other facts.
    """
    uploaded = await asyncio.to_thread(read_upload, content, ticket.belonging, largest=largest)
    if uploaded is None:
        return None
    started = await publisher.publish(Start(ticket.account_id, uploaded.start))
    finish = Finish(ticket.account_id, started.run.id, uploaded.finish)
    return (await publisher.publish(finish)).run
