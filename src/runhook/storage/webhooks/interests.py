"""Which webhooks have which topics: an index of what they may want."""

import sqlalchemy as sa

from runhook.domain.webhooks.topics import topics_of_webhook
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import interests


async def write_interests(tx: Transaction, webhook: Webhook) -> None:
    """Write the topics of a webhook in place of those that it had."""
    await delete_interests(tx, webhook)
    topics = sorted(topics_of_webhook(webhook))
    await tx.insert_many(interests, [{"topic": one, "webhook_id": webhook.id} for one in topics])


async def delete_interests(tx: Transaction, webhook: Webhook) -> None:
    """Delete the topics of a webhook."""
    own = tx.locked(interests, interests.c.webhook_id == webhook.id, for_deletion=True)
    await tx.execute(sa.delete(interests).where(own))
