"""What a webhook's owner asks of TLS, beside what the service does for every endpoint."""

from dataclasses import dataclass, field


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
