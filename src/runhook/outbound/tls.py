"""TLS contexts: the service's own, and those that webhooks ask for."""

import asyncio
import os
import secrets
import ssl
import tempfile
from collections import OrderedDict
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from runhook.domain.errors import InvalidError
from runhook.domain.webhooks.tls import USUAL_TLS, TlsSettings

CONTEXTS_KEPT = 256
PEM_LIMIT = 256 * 1024
"""Of all that one webhook can have."""


class Contexts:
    """Contexts by what they were made of, the last used ones.

    Args:
        usual: for endpoints that ask for nothing of their own; made like all others unless given.
    """

    def __init__(self, usual: ssl.SSLContext | None = None) -> None:
        self._made: OrderedDict[TlsSettings, ssl.SSLContext] = OrderedDict()
        self._making = asyncio.Lock()
        if usual is not None:
            self._made[USUAL_TLS] = usual

    async def of(self, settings: TlsSettings) -> ssl.SSLContext:
        """The context for a webhook's TLS settings, made once, when it is first asked for.

        Raises:
            InvalidError: no context can be made of them.
        """
        if settings not in self._made:
            await self._make(settings)
        self._made.move_to_end(settings)
        return self._made[settings]

    async def _make(self, settings: TlsSettings) -> None:
        # Many that ask at once get the same one.
        async with self._making:
            if settings in self._made:
                return
            # Reading the system's certificates takes longer than many requests.
            self._made[settings] = await asyncio.to_thread(make_context, settings)
            while len(self._made) > CONTEXTS_KEPT:
                self._made.popitem(last=False)


def unverified_context() -> ssl.SSLContext:
    """Context that accepts any certificate: to look at one, or where the owner wants it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def make_context(settings: TlsSettings) -> ssl.SSLContext:
    """Make a TLS context.

    Raises:
        InvalidError: a certificate or the key cannot be used; the field names which.
    """
    size = len(settings.certificate) + len(settings.key) + len(settings.authorities)
    if size > PEM_LIMIT:
        raise InvalidError(f"{size:,} characters of certificates are too many; {PEM_LIMIT:,} fit")
    context = trusting(settings.authorities) if settings.is_verified else unverified_context()
    if settings.certificate or settings.key:
        load_certificate(context, settings)
    return context


def trusting(authorities: str) -> ssl.SSLContext:
    """Context that trusts these authorities, or the system's if none are given.

    Raises:
        InvalidError: they are not certificates.
    """
    if not authorities:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=authorities)
    except (ssl.SSLError, ValueError):
        raise InvalidError(
            "give certificates as PEM, each from -----BEGIN CERTIFICATE----- to its end",
            field="tls_authorities",
        ) from None


def load_certificate(context: ssl.SSLContext, settings: TlsSettings) -> None:
    """Let a context show a client certificate.

    Python reads keys from files only. The file that it gets is encrypted with a password that is
    used once, so that the key itself is never written anywhere.

    Raises:
        InvalidError: the certificate or its key cannot be used.
    """
    certificates = read_certificates(settings.certificate)
    key = read_key(settings.key)
    if key.public_key() != certificates[0].public_key():
        raise InvalidError("the key is not the certificate's", field="tls_key")
    password = secrets.token_bytes(32).hex().encode()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password),
    )
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)
    descriptor, path = tempfile.mkstemp(prefix="runhook-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem + chain)
        context.load_cert_chain(path, password=password)
    except ssl.SSLError:
        raise InvalidError(
            "the certificate cannot be used with its key", field="tls_certificate"
        ) from None
    finally:
        Path(path).unlink()


def read_certificates(pem: str) -> list[x509.Certificate]:
    """Read one certificate or more.

    Raises:
        InvalidError: there is none.
    """
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise InvalidError(
            "give the certificate as PEM, from -----BEGIN CERTIFICATE----- to its end",
            field="tls_certificate",
        ) from None


def read_key(pem: str) -> PrivateKeyTypes:
    """Read a private key.

    Raises:
        InvalidError: it is none, or it is encrypted.
    """
    try:
        return serialization.load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise InvalidError("give the key without a password", field="tls_key") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidError(
            "give the key as PEM, from -----BEGIN PRIVATE KEY----- to its end", field="tls_key"
        ) from None
