"""A known text, encrypted with the master key of the service that was first in a database.

It tells a replica with another key from the first moment, before there is any secret.
"""

import sqlalchemy as sa

from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import master_key_checks

ONLY = 1
"""The id of the only row."""


async def find_master_key_check(tx: Transaction) -> bytes | None:
    """The ciphertext; None before the first service."""
    rows = await tx.execute(sa.select(master_key_checks.c.ciphertext))
    ciphertext: bytes | None = rows.scalar_one_or_none()
    return ciphertext


async def replace_master_key_check(tx: Transaction, ciphertext: bytes) -> None:
    """Write the ciphertext, whether or not there was one before."""
    await tx.execute(sa.delete(master_key_checks).where(master_key_checks.c.id == ONLY))
    await tx.execute(sa.insert(master_key_checks).values(id=ONLY, ciphertext=ciphertext))
