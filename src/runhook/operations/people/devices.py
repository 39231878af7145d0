"""Devices: browsers that have signed in before, known by a text that only this service can make.

A device has an attempt counter of its own, so that strangers who guess at an e-mail address do not
stand in the way of its owner. It opens nothing: the password is asked for all the same.
"""

import json
import secrets

from cryptography.fernet import InvalidToken

from runhook.domain.webhooks.signature import Secret
from runhook.storage.engine.store import Store
from runhook.storage.engine.vault import Vault

PURPOSE = "a device that has signed in"
LONGEST_DEVICE = 1_024


def new_device(vault: Vault, email: str) -> str:
    """Text that a browser keeps after signing in with this e-mail address."""
    content = {"for": PURPOSE, "email": email, "id": secrets.token_urlsafe(12)}
    return vault.encrypt(Secret(json.dumps(content))).decode()


async def known_device(store: Store, text: str | None, email: str) -> str | None:
    """Id of a device that has signed in with this e-mail address; None if it has not."""
    if not text or len(text) > LONGEST_DEVICE:
        return None
    async with store.read() as tx:
        try:
            content = json.loads(tx.vault.decrypt(text.encode()).reveal())
        except (InvalidToken, ValueError):
            return None
    if not isinstance(content, dict) or content.get("for") != PURPOSE:
        return None
    return str(content["id"]) if content["email"] == email else None
