"""Sentences about refused certificates: what is wrong with them, and how to correct it."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from runhook.outbound.dialling import CertificateRefusedError

# OpenSSL's numbers, of which Python knows no names.
NOT_YET_VALID = 9
EXPIRED = 10
SELF_SIGNED = 18
AUTHORITY_UNKNOWN = (19, 20, 21)
WRONG_HOST = (62, 64)

NAMES_TOLD = 3
NAME_LENGTH_TOLD = 80


def certificate_sentence(error: CertificateRefusedError, host: str, place: str) -> str:
    """Say what is wrong with a certificate.

    Args:
        error: what OpenSSL said.
        host: the host that the certificate should be for.
        place: host and port that showed it.
    """
    code = error.os_error.verify_code
    leaf = readable(error.leaf)
    whose = f"TLS certificate of {place}"
    if code == SELF_SIGNED:
        return (
            f"The {whose} is self-signed, so no authority vouches for it; use one of a known "
            "authority, or make Runhook's system trust it."
        )
    if code in AUTHORITY_UNKNOWN:
        authority = f" ({issued_by(leaf)})" if leaf else ""
        return (
            f"The {whose} is by an authority that Runhook's system does not know{authority}; let "
            "the endpoint send all certificates in between, or make the system trust it."
        )
    if code in WRONG_HOST and leaf:
        return (
            f"The {whose} is for {first_names(certificate_hosts(leaf))}, not for {host}; "
            "check the URL, or get another certificate."
        )
    if code == EXPIRED:
        return expiry_sentence(whose, leaf, place, datetime.now(UTC))
    if code == NOT_YET_VALID and leaf:
        return (
            f"The {whose} is not valid before {day(leaf.not_valid_before_utc)}; "
            "check the clocks of both machines."
        )
    return f"The {whose} was refused: {error.os_error.verify_message.rstrip('.')}."


def expiry_sentence(whose: str, leaf: x509.Certificate | None, place: str, now: datetime) -> str:
    """Say that a certificate has expired: the endpoint's, or one that vouches for it."""
    if leaf is None:
        return f"The {whose} has expired, or one that vouches for it; renew it."
    if leaf.not_valid_after_utc < now:
        return f"The {whose} expired on {day(leaf.not_valid_after_utc)}; renew it."
    return (
        f"A certificate that vouches for {place} has expired: {issued_by(leaf)}'s, or one above "
        "it; let the endpoint send those that are valid now."
    )


def readable(der: bytes | None) -> x509.Certificate | None:
    """Parse a certificate; None if only OpenSSL can read it."""
    if der is None:
        return None
    try:
        certificate = x509.load_der_x509_certificate(der)
        # Defects inside a certificate show only when a part is read.
        certificate_hosts(certificate)
        issued_by(certificate)
        day(certificate.not_valid_before_utc)
        day(certificate.not_valid_after_utc)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None
    return certificate


def day(moment: datetime) -> str:
    """Format a day for people: 3 May 2026."""
    return f"{moment.day} {moment:%B %Y}"


def issued_by(certificate: x509.Certificate) -> str:
    """Name of a certificate's issuer."""
    return name_in(certificate.issuer)


def name_in(name: x509.Name) -> str:
    """The part of a name that people know."""
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(kind):
            return harmless(str(attribute.value))
    return "an authority without a name"


def certificate_hosts(certificate: x509.Certificate) -> list[str]:
    """Hosts that a certificate is for."""
    try:
        extension = certificate.extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        )
    except x509.ExtensionNotFound:
        return []
    names = extension.value
    assert isinstance(names, x509.SubjectAlternativeName)
    return [
        *names.get_values_for_type(x509.DNSName),
        *(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    ]


def first_names(names: list[str]) -> str:
    """List the first few of some names."""
    if not names:
        return "no host at all"
    shown = ", ".join(harmless(name) for name in names[:NAMES_TOLD])
    return f"{shown} and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else shown


def harmless(text: str) -> str:
    """Make text that an endpoint chose printable, and shorten it."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= NAME_LENGTH_TOLD else f"{shown[:NAME_LENGTH_TOLD]}..."
