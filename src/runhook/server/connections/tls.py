"""The certificate that a listening socket shows, read again when it was renewed."""

import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from runhook.domain.errors import InvalidError
from runhook.telemetry.events import CERTIFICATE_EXPIRED, CERTIFICATE_RENEWED, CERTIFICATE_UNUSABLE

LOOK_AGAIN_SECONDS = 2
"""How long a renewed certificate may go unnoticed."""

Version = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of a certificate with its chain, and of its key, as PEM; they may be one."""

    certificate: Path
    key: Path

    def version(self) -> Version:
        """What changes when a file is written or replaced. Raises OSError."""
        found = [path.stat() for path in (self.certificate, self.key)]
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)

    def load(self) -> ssl.SSLContext:
        """Make a context of them.

        Raises:
            InvalidError: a file cannot be read, or they are no certificate and its key.
        """
        for path in (self.certificate, self.key):
            try:
                path.read_bytes()
            except OSError as error:
                raise InvalidError(f"{path} cannot be read: {error.strerror}.") from None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.certificate, self.key, password=refuse_passphrase)
        except ssl.SSLError as error:
            raise InvalidError(self._why_not(error)) from None
        return context

    def ends_at(self) -> datetime:
        """When the certificate expires. Raises ValueError."""
        return x509.load_pem_x509_certificate(self.certificate.read_bytes()).not_valid_after_utc

    def _why_not(self, error: ssl.SSLError) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"The key in {self.key} is not that of the certificate in {self.certificate}."
        return (
            f"{self.certificate} and {self.key} do not hold a certificate and its key in PEM"
            f" ({error.reason or 'unreadable'})."
        )


def refuse_passphrase() -> str:
    """Answer a key that asks for its passphrase, which the library would ask for at the terminal.

    Raises:
        InvalidError: always.
    """
    raise InvalidError("The key of RUNHOOK_TLS_KEY has a passphrase; give it without one.")


class Certificate:
    """The context for new connections. One that was renewed badly does not take the place of it.

    Raises:
        InvalidError: the files are no certificate and its key.
    """

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._context = pair.load()
        self._version = pair.version()
        self._look_again_at = time.monotonic() + LOOK_AGAIN_SECONDS
        self._warn_if_expired()

    def context(self) -> ssl.SSLContext:
        """What to shake hands with now."""
        if time.monotonic() >= self._look_again_at:
            self._look_again_at = time.monotonic() + LOOK_AGAIN_SECONDS
            self.look_again()
        return self._context

    def look_again(self) -> None:
        """Take what the files hold by now, if it is another certificate and its key."""
        try:
            version = self._pair.version()
            if version == self._version:
                return
            self._version = version
            self._context = self._pair.load()
        except (OSError, InvalidError) as error:
            CERTIFICATE_UNUSABLE.say(reason=str(error))
            return
        CERTIFICATE_RENEWED.say(file=str(self._pair.certificate))
        self._warn_if_expired()

    def _warn_if_expired(self) -> None:
        ends_at = self._pair.ends_at()
        if ends_at <= datetime.now(UTC):
            CERTIFICATE_EXPIRED.say(at=ends_at.isoformat())
