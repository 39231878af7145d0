"""Passwords, kept as Argon2id hashes only.

Hashing is meant to be slow and to need memory, so it happens in threads beside the event loop, and
never in more than a few at once. They take the processor time that others leave: who guesses
passwords must not delay reports.
"""

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from runhook.domain.people.users import LONGEST_PASSWORD
from runhook.operations.processors import HALF_OF_PROCESSORS, threads_beside

AT_ONCE = min(2, HALF_OF_PROCESSORS)
"""Each takes 64 MiB with the library's parameters, which are RFC 9106's for little memory."""


class Passwords:
    """Makes and checks hashes.

    Args:
        hasher: its parameters are what new hashes are made with.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = threads_beside("passwords", at_once=AT_ONCE)

    async def hash(self, password: str) -> str:
        """Hash a password for storage."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._hasher.hash, normal(password))

    async def check(self, password: str, hashed: str | None) -> bool:
        """Whether a password matches its hash; None, for an unknown user, takes as long."""
        if len(password) > LONGEST_PASSWORD:
            return False
        if hashed is None:
            await self.hash(password)
            return False
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._verify, hashed, normal(password))

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash was made with other parameters than new ones are."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerificationError:
            return False


def normal(password: str) -> str:
    """Normalise a password as every keyboard would send it.

    RFC 8265, section 4.2, without its mappings.
    """
    return unicodedata.normalize("NFC", password)
