"""What a webhook's owner asks of TLS, beside what the service does for every endpoint."""

from dataclasses import dataclass, field

from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import SecretText, Text

PEM_LIMIT = 32 << 10
"""How many bytes certificates or a key may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """How TLS is spoken with one webhook's endpoint.

    Certificates and keys are PEM; an empty text stands for none.
    """

    certificate: str = field(default="", repr=False)
    """The client's, followed by those that vouch for it."""
    key: str = field(default="", repr=False)
    """The client certificate's, not encrypted."""
    authorities: str = field(default="", repr=False)
    """Certificates to trust in place of those that the system trusts."""
    is_verified: bool = True
    """Whether the endpoint's certificate is checked at all."""


USUAL_TLS = TlsSettings()
"""No client certificate, and what the system trusts."""


def check_pem(text: str) -> str:
    """Check the form of certificates or a key.

    Raises:
        InvalidError: it is too long, or no PEM. The message does not repeat it.
    """
    size = len(text.encode(errors="replace"))
    if size > PEM_LIMIT:
        raise InvalidError(f"{size} bytes are too many; {PEM_LIMIT >> 10} KiB at most")
    if not text.isascii() or "\0" in text or "-----BEGIN " not in text:
        raise InvalidError("it is not PEM: text that begins with `-----BEGIN`")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """The certificate that Runhook shows an endpoint which asks for one."""

    certificate: str = option(
        "",
        Text(check_pem, rows=4),
        label="Certificate",
        hint="PEM, followed by those that vouch for it.",
        help="PEM, followed by those that vouch for it, up to 32 KiB",
    )
    key: str = option(
        "",
        SecretText(check_pem, rows=4),
        label="Its private key",
        hint="PEM, without a passphrase. It is a secret.",
        help="its private key as PEM, without a passphrase, up to 32 KiB; a secret",
    )


def check_client_certificate(given: ClientCertificate) -> ClientCertificate:
    """Check that a client certificate has both of its parts.

    Raises:
        InvalidError: one of the two is missing.
    """
    if not given.certificate:
        raise InvalidError("give the certificate of the key", field="certificate")
    if not given.key:
        raise InvalidError("give the key of the certificate", field="key")
    return given
