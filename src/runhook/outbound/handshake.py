"""TLS handshakes that are noted on their trip, and that keep the certificates they fail on.

OpenSSL says of a certificate that it has expired, and not when; the handshake that failed is the
one moment at which it can be looked at without asking the endpoint again.
"""

import ssl
import sys

from runhook.outbound.trip import Stage, current_trip


class CertificateRefusedError(ssl.SSLCertVerificationError):
    """OpenSSL refused a certificate.

    ``chain`` are the certificates that the endpoint showed, its own first, in DER. Nobody vouches
    for anything in them.
    """

    def __init__(self, cause: ssl.SSLCertVerificationError, chain: list[bytes]) -> None:
        super().__init__(*cause.args)
        self.verify_code = cause.verify_code
        self.verify_message = cause.verify_message
        self.chain = chain


class Handshake(ssl.SSLObject):
    """One handshake, as ``SSLContext.sslobject_class``."""

    def do_handshake(self) -> None:
        """Take the next step.

        Raises:
            CertificateRefusedError: the endpoint's certificate will not do.
            ssl.SSLError: there is no other step yet, or there will be none.
        """
        trip = current_trip()
        if trip is not None:
            trip.stage = Stage.SHAKING_HANDS
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            raise CertificateRefusedError(error, self._shown_chain()) from None

    def _shown_chain(self) -> list[bytes]:
        if sys.version_info >= (3, 13):
            return self.get_unverified_chain()
        # What Python 3.13 made public has been there since 3.10, unknown to the library's types.
        sslobj = self._sslobj  # type: ignore[attr-defined] # private before 3.13
        chain = sslobj.get_unverified_chain() or ()
        return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain]
