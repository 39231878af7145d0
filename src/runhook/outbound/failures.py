"""Names for what goes wrong between us and an endpoint, and sentences that help to mend it."""

import os
import socket
import ssl

import aiohttp

from runhook.domain.judging import FailureReason
from runhook.outbound.guard import AddressRefusedError
from runhook.outbound.trip import Trip


def explain_status(status_code: int) -> str:
    """Return the sentence for an answer that is not a 2xx."""
    if 300 <= status_code < 400:
        return (
            f"The endpoint answered {status_code}, and redirects are not followed; "
            "give the webhook the final URL."
        )
    return f"The endpoint answered {status_code}."


def explain(error: Exception, trip: Trip) -> tuple[FailureReason, str]:
    """Return the reason and the sentence for an exception that a request ended with."""
    if trip.refusals and not trip.was_dialled:
        return FailureReason.ADDRESS_REFUSED, trip.refusals[0]
    match error:
        case aiohttp.ClientConnectorDNSError():
            return FailureReason.DNS_FAILED, name_sentence(error.os_error, trip)
        case aiohttp.ClientConnectorCertificateError():
            return FailureReason.TLS_FAILED, certificate_sentence(error, trip)
        case aiohttp.ClientSSLError():
            return FailureReason.TLS_FAILED, handshake_sentence(openssl_words(error), trip)
        case aiohttp.ClientConnectorError(os_error=ConnectionResetError(errno=None)):
            # asyncio's, which knows no number: the connection ended within the handshake.
            return FailureReason.TLS_FAILED, handshake_sentence("it hung up", trip)
        case aiohttp.ClientConnectorError():
            return FailureReason.CONNECTION_FAILED, connection_sentence(error.os_error, trip)
        case TimeoutError():
            return FailureReason.TIMED_OUT, deadline_sentence(trip)
        case aiohttp.ServerDisconnectedError():
            return (
                FailureReason.CONNECTION_FAILED,
                f"{trip.place} closed the connection before it had answered.",
            )
        case aiohttp.ClientResponseError() if is_about_size(error):
            return (
                FailureReason.RESPONSE_TOO_LARGE,
                f"The headers that {trip.place} answered are too many or too long.",
            )
        case aiohttp.ClientResponseError():
            return (
                FailureReason.CONNECTION_FAILED,
                f"What {trip.place} answered is not HTTP; check the URL's scheme and port.",
            )
        case aiohttp.ClientPayloadError():
            return (
                FailureReason.CONNECTION_FAILED,
                f"The endpoint answered {trip.status_code}, but its body broke off.",
            )
        case OSError():
            return (
                FailureReason.CONNECTION_FAILED,
                f"The connection to {trip.place} broke: {system_words(error)}.",
            )
        case ValueError() | aiohttp.NonHttpUrlClientError():
            return FailureReason.CONNECTION_FAILED, "The URL cannot be requested; check it."
        case _:
            return FailureReason.CONNECTION_FAILED, f"The request failed: {type(error).__name__}."


def name_sentence(error: OSError, trip: Trip) -> str:
    """Say that a host name could not be looked up, in the resolver's words."""
    why = (error.strerror or str(error)).lower()
    return f"No connection to {trip.place}: the host name has no address ({why}); check the URL."


def certificate_sentence(error: aiohttp.ClientConnectorCertificateError, trip: Trip) -> str:
    """Say what is wrong with the endpoint's certificate, in OpenSSL's words."""
    cause = error.certificate_error
    why = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else str(cause)
    return f"The certificate of {trip.place} was refused: {why.rstrip('.')}."


def handshake_sentence(why: str, trip: Trip) -> str:
    """Say that there is a connection, and no TLS on it."""
    return f"The TLS handshake with {trip.place} failed ({why}); does that port speak https?"


def openssl_words(error: aiohttp.ClientSSLError) -> str:
    """Return what a handshake failed of: `wrong version number`, for one."""
    cause = error.os_error
    reason = cause.reason if isinstance(cause, ssl.SSLError) else None
    return (reason or type(cause).__name__).replace("_", " ").lower()


def connection_sentence(error: OSError, trip: Trip) -> str:
    """Say why there is no connection."""
    refused = f" Of its addresses, {trip.refusals[0]}" if trip.refusals else ""
    if isinstance(error, AddressRefusedError):
        return f"No connection to {trip.place}.{refused}"
    return f"No connection to {trip.place}: {system_words(error)}.{refused}"


def deadline_sentence(trip: Trip) -> str:
    """Say how far a request had come when its time was over."""
    limit = f"within {trip.deadline.total_seconds():g} s"
    if trip.status_code is not None:
        return f"The endpoint answered {trip.status_code}, but its body did not end {limit}."
    if trip.is_connected:
        return f"{trip.place} did not answer {limit}."
    return f"No connection to {trip.place} {limit}."


def is_about_size(error: aiohttp.ClientResponseError) -> bool:
    """Whether there were more headers than we read, which aiohttp tells in words only."""
    return "bytes when reading" in error.message or error.message.startswith("Too many headers")


def system_words(error: OSError) -> str:
    """Return the operating system's words for an error, or the resolver's.

    Of an error of the system, ``strerror`` will not do: asyncio puts its own there, with the
    address as Python writes it.
    """
    if isinstance(error, socket.gaierror):
        return (error.strerror or str(error)).lower()
    return os.strerror(error.errno).lower() if error.errno else "none of its addresses takes it"
