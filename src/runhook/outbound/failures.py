"""Names for what goes wrong between us and an endpoint, and sentences that help to mend it."""

import ssl
from collections.abc import Sequence

import aiohttp

from runhook.domain.judging import FailureReason


def explain(error: Exception, refusals: Sequence[str]) -> tuple[FailureReason, str]:
    """Return the reason and the sentence for an exception that a request ended with."""
    if refusals:
        return FailureReason.ADDRESS_REFUSED, refusals[0]
    match error:
        case TimeoutError():
            return FailureReason.TIMED_OUT, "The endpoint did not answer in time."
        case aiohttp.ClientConnectorDNSError():
            return (
                FailureReason.DNS_FAILED,
                f"The host name {error.host} has no address; check the URL.",
            )
        case aiohttp.ClientConnectorCertificateError():
            return FailureReason.TLS_FAILED, certificate_sentence(error)
        case aiohttp.ClientConnectorSSLError() | aiohttp.ClientSSLError():
            return FailureReason.TLS_FAILED, "The TLS handshake failed; does the port speak https?"
        case aiohttp.ClientConnectorError():
            where = f"{error.host}:{error.port}"
            why = (error.os_error.strerror or str(error.os_error)).lower()
            return FailureReason.CONNECTION_FAILED, f"No connection to {where}: {why}."
        case aiohttp.ServerDisconnectedError():
            return (
                FailureReason.CONNECTION_FAILED,
                "The endpoint closed the connection before it had answered.",
            )
        case aiohttp.ClientResponseError() if "bytes when reading" in error.message:
            return FailureReason.RESPONSE_TOO_LARGE, "The response's headers are too large."
        case aiohttp.ClientResponseError():
            return FailureReason.CONNECTION_FAILED, "What the endpoint answered is not HTTP."
        case aiohttp.ClientPayloadError():
            return FailureReason.CONNECTION_FAILED, "The response's body broke off."
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return FailureReason.CONNECTION_FAILED, "The URL cannot be requested; check it."
        case OSError():
            why = (error.strerror or str(error) or type(error).__name__).lower()
            return FailureReason.CONNECTION_FAILED, f"The connection broke: {why}."
        case _:
            return FailureReason.CONNECTION_FAILED, f"The request failed: {type(error).__name__}."


def certificate_sentence(error: aiohttp.ClientConnectorCertificateError) -> str:
    """Say what is wrong with the endpoint's certificate."""
    cause = error.certificate_error
    why = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else str(cause)
    return f"The certificate of {error.host} was refused: {why}."
