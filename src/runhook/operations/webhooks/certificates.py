"""Certificates and keys of webhooks, checked when they are given."""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from runhook.domain.errors import InvalidError
from runhook.domain.webhooks.options import Options
from runhook.domain.webhooks.tls import ClientCertificate


def check_certificates(before: Options, after: Options, *, now: datetime) -> None:
    """Check the certificates of options that have changed.

    Raises:
        InvalidError: one cannot be read, has expired, or is not what it is given for.
    """
    if after.client_certificate and after.client_certificate != before.client_certificate:
        try:
            check_key_pair(after.client_certificate, now)
        except InvalidError as error:
            raise error.within("client_certificate") from None
    if after.ca_certificate and after.ca_certificate != before.ca_certificate:
        try:
            check_authorities(after.ca_certificate, now)
        except InvalidError as error:
            raise error.within("ca_certificate") from None


def check_key_pair(given: ClientCertificate, now: datetime) -> None:
    """Check that a certificate and the key beside it belong together."""
    certificate = certificates_in(given.certificate, field="certificate")[0]
    check_time(certificate, now, field="certificate")
    try:
        key = load_pem_private_key(given.key.encode(), password=None)
    except TypeError:
        raise InvalidError(
            "it is encrypted with a passphrase; take that away first, with "
            "`openssl pkey -in key.pem -out plain.pem`",
            field="key",
        ) from None
    except Exception:  # noqa: BLE001 - the library raises more than it documents
        raise InvalidError("it is not a readable private key in PEM", field="key") from None
    written = [
        one.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for one in (key.public_key(), certificate.public_key())
    ]
    if written[0] != written[1]:
        raise InvalidError("it is not the key of the first certificate", field="key")


def check_authorities(pem: str, now: datetime) -> None:
    """Check that certificates can vouch for others, or for themselves."""
    for one in certificates_in(pem):
        check_time(one, now)
        if one.issuer != one.subject and not is_authority(one):
            raise InvalidError(
                f"{certificate_subject(one)} is not an authority; give its issuer's certificate"
            )


def certificates_in(pem: str, *, field: str = "") -> Sequence[x509.Certificate]:
    """Read certificates."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise InvalidError("it has no readable certificate in PEM", field=field) from None


def check_time(certificate: x509.Certificate, now: datetime, *, field: str = "") -> None:
    """Refuse a certificate that has expired."""
    expires = certificate.not_valid_after_utc
    if expires <= now:
        raise InvalidError(
            f"{certificate_subject(certificate)} expired on {expires:%Y-%m-%d}; "
            "give one that is valid",
            field=field,
        )


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate says that it can vouch for others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def certificate_subject(certificate: x509.Certificate) -> str:
    """Subject of a certificate, in a few words."""
    return f"the certificate of `{certificate.subject.rfc4514_string()[:80]}`"
