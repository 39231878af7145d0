"""Certificates for endpoints of tests: good ones, and those that no client should take."""

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
LIFETIME = 10 * DAY


class Authority:
    """A certificate authority that only tests trust, by itself or because another vouches for it.

    Args:
        folder: where to keep what servers read.
        vouching: the authority that vouches for this one.
        expires: when that ends.
    """

    def __init__(
        self, folder: Path, *, vouching: "Authority | None" = None, expires: datetime | None = None
    ) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = name_of("Test authority between" if vouching else "Test authority")
        self._vouching = vouching
        root = vouching or self
        self._certificate = (
            unsigned(self._name, root._name, self._key, expires=expires or datetime.now(UTC) + DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(root._key, hashes.SHA256())
        )

    def trusted(self) -> ssl.SSLContext:
        """A client's context that trusts this authority and no other."""
        pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def pem(self) -> str:
        """The authority's own certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def client(self) -> tuple[str, str]:
        """A client's certificate and its key, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = unsigned(
            name_of("a webhook"), self._name, key, expires=datetime.now(UTC) + DAY
        ).sign(self._key, hashes.SHA256())
        key_pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode(), key_pem.decode()

    def bundle(self) -> Path:
        """A file that makes programs trust this authority and no other."""
        path = self._folder / "authority.pem"
        path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def server(
        self,
        *names: str,
        expires: datetime | None = None,
        issuer_is_sent: bool = True,
    ) -> ssl.SSLContext:
        """The context of a server with a certificate for these hosts, or for localhost."""
        hosts = names or ("localhost",)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            unsigned(
                name_of(hosts[0][:64]), self._name, key, expires=expires or datetime.now(UTC) + DAY
            )
            .add_extension(
                x509.SubjectAlternativeName([general_name(host) for host in hosts]), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        sent = [certificate]
        if self._vouching and issuer_is_sent:
            sent.append(self._certificate)
        return self._serving(sent, key)

    def self_signed(self, host: str = "localhost") -> ssl.SSLContext:
        """The context of a server whose certificate no authority vouches for."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            unsigned(name_of(host), name_of(host), key, expires=datetime.now(UTC) + DAY)
            .add_extension(x509.SubjectAlternativeName([general_name(host)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        return self._serving([certificate], key)

    def _serving(
        self, chain: Sequence[x509.Certificate], key: ec.EllipticCurvePrivateKey
    ) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._written(chain, key))
        return context

    def _written(self, chain: Sequence[x509.Certificate], key: ec.EllipticCurvePrivateKey) -> Path:
        pem = self._folder / f"{chain[0].serial_number}.pem"
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
        )
        return pem

    def pem_of_server(self, host: str = "localhost", *, is_vouched_for: bool = True) -> Path:
        """A file with a server's certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = (self._name, self._key) if is_vouched_for else (name_of(host), key)
        certificate = (
            unsigned(name_of(host), issuer[0], key, expires=datetime.now(UTC) + DAY)
            .add_extension(x509.SubjectAlternativeName([general_name(host)]), critical=False)
            .sign(issuer[1], hashes.SHA256())
        )
        return self._written([certificate], key)


def a_certificate(
    *,
    name: str = "runhook",
    issuer: str | None = None,
    is_authority: bool = False,
    expires: datetime | None = None,
    passphrase: bytes = b"",
) -> tuple[str, str]:
    """A certificate and its key as PEM; it vouches for itself, whatever it says."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        unsigned(
            name_of(name), name_of(issuer or name), key, expires=expires or datetime.now(UTC) + DAY
        )
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encryption = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        ).decode(),
    )


def unsigned(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    expires: datetime,
) -> x509.CertificateBuilder:
    """What every certificate here has."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(expires - LIFETIME)
        .not_valid_after(expires)
    )


def name_of(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
