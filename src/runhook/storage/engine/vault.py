"""Encryption of what must not be readable in the database."""

from collections.abc import Callable, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from runhook.domain.webhooks.signature import Secret


class Vault:
    """Encrypts secrets with the newest master key and reads those of any of them.

    Args:
        keys: the newest first; without any the vault stays locked, and asking it for a secret is a
            bug.
        changed: returns the keys if they are others than it returned before; asked before anything
            is encrypted, and when something does not open, so that keys can be rotated while the
            service runs.

    Raises:
        ValueError: one of them is not a key.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        *,
        changed: Callable[[], Sequence[bytes] | None] = lambda: None,
    ) -> None:
        self._keys = [Fernet(key) for key in keys]
        self._changed = changed

    @staticmethod
    def new_key() -> bytes:
        """Make a master key, in the form that key files hold."""
        return Fernet.generate_key()

    def opens(self, ciphertext: bytes) -> bool:
        """Whether it was encrypted with one of these keys."""
        try:
            self.decrypt(ciphertext)
        except InvalidToken:
            return False
        return True

    def position_of(self, ciphertext: bytes) -> int | None:
        """Index of the key that opens it, 0 being the newest; None if none does."""
        for position, key in enumerate(self._keys):
            try:
                key.decrypt(ciphertext)
            except InvalidToken:
                continue
            return position
        return None

    def encrypt(self, secret: Secret) -> bytes:
        """Encrypt ``secret`` for storage."""
        self._refresh()
        return MultiFernet(self._keys).encrypt(secret.reveal().encode())

    def decrypt(self, ciphertext: bytes) -> Secret:
        """Decrypt a secret.

        Raises:
            cryptography.fernet.InvalidToken: it was encrypted with another master key.
        """
        try:
            return self._decrypt(ciphertext)
        except InvalidToken:
            if not self._refresh():
                raise
        return self._decrypt(ciphertext)

    def _decrypt(self, ciphertext: bytes) -> Secret:
        return Secret(MultiFernet(self._keys).decrypt(ciphertext).decode())

    def _refresh(self) -> bool:
        keys = self._changed()
        if keys is None:
            return False
        self._keys = [Fernet(key) for key in keys]
        return True


LOCKED = Vault([])
"""For who opens the database without a need of its secrets: there is no key to be made or kept."""
