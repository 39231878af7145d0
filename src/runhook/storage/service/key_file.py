"""The file of the master keys: the first line's key encrypts, every line's decrypts.

A line is a key, and after a space what it is kept for, if that is `prepared`: not yet in use, but
readable to every replica that has a copy of the file.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet

from runhook.domain.errors import InvalidError

PREPARED = "prepared"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key of the file."""

    text: bytes = field(repr=False)
    is_prepared: bool = False

    @property
    def fingerprint(self) -> str:
        """What the key can be called by; it tells nothing of the key."""
        return hashlib.sha256(self.text).hexdigest()[:16]

    @property
    def line(self) -> bytes:
        """The key as it stands in the file."""
        return self.text + (f" {PREPARED}\n".encode() if self.is_prepared else b"\n")


class KeyFile:
    """A key file, and whether it has changed since it was last read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: object = None

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self._path.exists()

    def read(self) -> Sequence[MasterKey]:
        """Read the keys, in order.

        Raises:
            InvalidError: the file cannot be read, or holds anything but keys.
        """
        try:
            with self._path.open("rb") as file:
                self._seen = identity_of(os.fstat(file.fileno()))
                lines = file.read().splitlines()
        except OSError as error:
            raise InvalidError(
                f"The master key {self._path} cannot be read: {error.strerror}."
            ) from None
        try:
            return master_keys_in(lines)
        except ValueError:
            raise InvalidError(f"The file {self._path} does not hold a master key.") from None

    def read_if_changed(self) -> Sequence[MasterKey] | None:
        """Read the keys if the file has changed since the last reading.

        A file that cannot be read just now counts as unchanged: the caller has its keys already.
        """
        with suppress(OSError, InvalidError):
            if identity_of(self._path.stat()) != self._seen:
                return self.read()
        return None

    def create(self, keys: Sequence[MasterKey] = ()) -> None:
        """Write a file with these keys, or a new one, for its owner's eyes only.

        It is never written over another one, and appears whole or not at all: a key that was lost
        half-way would lock the secrets in.
        """
        unfinished = self._write_beside(keys or [MasterKey(Fernet.generate_key())])
        with suppress(FileExistsError):
            self._path.hardlink_to(unfinished)
        unfinished.unlink()

    def replace(self, keys: Sequence[MasterKey]) -> None:
        """Replace all keys at once; a concurrent reader gets the old or the new ones."""
        self._write_beside(keys).replace(self._path)

    def _write_beside(self, keys: Sequence[MasterKey]) -> Path:
        unfinished = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(key.line for key in keys)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            unfinished.unlink()
            raise
        return unfinished


def identity_of(status: os.stat_result) -> object:
    """What differs between a file and the one that takes its place."""
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def master_keys_in(lines: Sequence[bytes]) -> Sequence[MasterKey]:
    """Read lines.

    Raises:
        ValueError: one of them is not a key, or none is there.
    """
    keys = [master_key_in(line) for line in lines if line.strip()]
    if not keys:
        raise ValueError
    return keys


def master_key_in(line: bytes) -> MasterKey:
    """Read a line; the key may be spelt in either alphabet of base64, as `openssl rand` does.

    Raises:
        ValueError: it is not a key.
    """
    text, *words = line.split()
    if words not in ([], [PREPARED.encode()]):
        raise ValueError
    usual = text.translate(bytes.maketrans(b"+/", b"-_"))
    Fernet(usual)
    # One spelling of each key: others differ in bits that no byte of it has.
    return MasterKey(
        base64.urlsafe_b64encode(base64.urlsafe_b64decode(usual)), is_prepared=bool(words)
    )
