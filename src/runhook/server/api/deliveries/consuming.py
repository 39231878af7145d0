"""Consumers fetch their deliveries here, and acknowledge them.

A read changes nothing: who reads again before acknowledging gets the same.
"""

from typing import Annotated

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from runhook.domain.messages.telling import DeliveryId
from runhook.domain.people.permissions import Permission
from runhook.domain.webhooks.consumers import LARGEST_BATCH, LONGEST_WAIT
from runhook.operations.deliveries.consume import FetchedBatch, acknowledge, fetch, take_over
from runhook.server.access.authentication import needs
from runhook.server.api.deliveries.consuming_wire import (
    MOST_READERS,
    AcknowledgedOut,
    AcknowledgeIn,
    ConsumerOut,
    FetchedOut,
    ReaderOut,
    batch_out,
    consumer_out,
)
from runhook.server.api.wire import Envelope, created
from runhook.server.services import Calling, Serving
from runhook.storage.deliveries.consuming import list_consumers

Most = Annotated[
    int, QueryParameter(ge=1, le=LARGEST_BATCH, description="how many deliveries at most")
]
Wait = Annotated[
    int,
    QueryParameter(
        ge=0, le=LONGEST_WAIT, description="seconds to wait for a delivery if there is none"
    ),
]

Reader = Annotated[
    int | None,
    QueryParameter(
        ge=1,
        le=MOST_READERS,
        description="the number of this reader; 409 if another has taken over since",
    ),
]


@get("/", **needs(Permission.READ_WEBHOOKS))
async def list_all_consumers(services: Serving, caller: Calling) -> Envelope[list[ConsumerOut]]:
    """List the account's consumers by name."""
    async with services.store.read() as tx:
        found = await list_consumers(tx, caller.account_id)
    return Envelope(data=[consumer_out(one) for one in found])


@post("/{name:str}/readers", status_code=201, **needs(Permission.CONSUME_EVENTS))
async def begin_to_read(
    services: Serving, caller: Calling, name: FromPath[str]
) -> Envelope[ReaderOut]:
    """Take the consumer over from whatever read it before, which is told so by its next request."""
    reader = await take_over(services.context(caller.actor), caller.account_id, name)
    services.arrivals.ring()
    return created(ReaderOut(reader=reader))


@get("/{name:str}/events", may_conflict=True, **needs(Permission.CONSUME_EVENTS))
async def fetch_events(
    services: Serving,
    caller: Calling,
    name: FromPath[str],
    *,
    limit: Most = LARGEST_BATCH,
    wait: Wait = 0,
    reader: Reader = None,
) -> Envelope[list[FetchedOut]]:
    """Return the first deliveries that the consumer has not acknowledged, in order."""
    context = services.context(caller.actor)

    async def look() -> FetchedBatch:
        return await fetch(context, caller.account_id, name, limit=limit, reader=reader)

    batch = await services.arrivals.wait_for(
        caller.account_id, look, is_there=lambda found: bool(found.fetched), seconds=wait
    )
    return batch_out(batch)


@post("/{name:str}/acknowledge", status_code=200, **needs(Permission.CONSUME_EVENTS))
async def acknowledge_events(
    services: Serving, caller: Calling, name: FromPath[str], data: JSONBody[AcknowledgeIn]
) -> Envelope[AcknowledgedOut]:
    """Take deliveries from the consumer that it is done with; asking twice does no harm."""
    count = await acknowledge(
        services.context(caller.actor),
        caller.account_id,
        name,
        {DeliveryId(one) for one in data.ids},
        reader=data.reader,
    )
    return Envelope(data=AcknowledgedOut(acknowledged=count))


router = Router(
    "/consumers",
    route_handlers=[list_all_consumers, begin_to_read, fetch_events, acknowledge_events],
)
