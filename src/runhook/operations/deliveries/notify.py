"""Owe notices to the webhooks that asked for them, in the transaction of what they tell of."""

from collections.abc import Sequence

from runhook.domain.messages.notices import MissedRun, Notice
from runhook.domain.webhooks.renderings import Renderings
from runhook.domain.webhooks.topics import topics_of_event
from runhook.operations.deliveries.follow import Asked, decide_what_is_told, new_delivery
from runhook.storage.deliveries.rows import insert_deliveries
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.rows import interested_webhooks


async def owe_notices(
    tx: Transaction, notices: Sequence[Notice], *, public_url: str | None = None
) -> None:
    """Add a delivery of each notice for each webhook that wants it."""
    interested = await interested_webhooks(
        tx, {topic for one in notices for topic in topics_of_notice(one)}
    )
    asked = [
        Asked(one, found.webhook, is_wanted=True)
        for one in notices
        for found in interested.get(one.account_id, ())
        if found.webhook.wants_notice(one)
    ]
    owed = await decide_what_is_told(tx, asked)
    if owed:
        renderings = Renderings(public_url)
        await insert_deliveries(tx, [new_delivery(one, renderings) for one in owed])


def topics_of_notice(notice: Notice) -> list[str]:
    """Topics of a notice."""
    job = notice.job if isinstance(notice, MissedRun) else None
    return topics_of_event(notice.account_id, notice.type, job)
