"""Encryption of what must not be readable in the database."""

from collections.abc import Sequence
from functools import cached_property

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from runhook.domain.signature import Secret


class Vault:
    """Encrypts secrets with the newest master key and reads those of any of them.

    Args:
        keys: the newest first; without any the vault stays locked, and asking it for a secret is a
            bug.

    Raises:
        ValueError: one of them is not a key.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = [Fernet(key) for key in keys]

    @staticmethod
    def new_key() -> bytes:
        """Return a new random master key, in the form that key files hold."""
        return Fernet.generate_key()

    def opens(self, ciphertext: bytes) -> bool:
        """Whether it was encrypted with one of these keys."""
        try:
            self._fernet.decrypt(ciphertext)
        except InvalidToken:
            return False
        return True

    def encrypt(self, secret: Secret) -> bytes:
        """Return what may be stored of ``secret``."""
        return self._fernet.encrypt(secret.reveal().encode())

    def decrypt(self, ciphertext: bytes) -> Secret:
        """Return the secret.

        Raises:
            cryptography.fernet.InvalidToken: it was encrypted with another master key.
        """
        return Secret(self._fernet.decrypt(ciphertext).decode())

    @cached_property
    def _fernet(self) -> MultiFernet:
        return MultiFernet(self._keys)


LOCKED = Vault([])
"""For who opens the database without a need of its secrets: there is no key to be made or kept."""
