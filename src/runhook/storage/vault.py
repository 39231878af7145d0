"""Encryption of what must not be readable in the database."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, MultiFernet

from runhook.domain.signature import Secret


class Vault:
    """Encrypts secrets with the newest master key and reads those of any of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @staticmethod
    def new_key() -> bytes:
        """Return a new random master key, in the form that key files hold."""
        return Fernet.generate_key()

    def encrypt(self, secret: Secret) -> bytes:
        """Return what may be stored of ``secret``."""
        return self._fernet.encrypt(secret.reveal().encode())

    def decrypt(self, ciphertext: bytes) -> Secret:
        """Return the secret.

        Raises:
            cryptography.fernet.InvalidToken: it was encrypted with another master key.
        """
        return Secret(self._fernet.decrypt(ciphertext).decode())
