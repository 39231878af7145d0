"""Names for what goes wrong between us and an endpoint, and sentences that help to mend it."""

import errno
import os
import socket
import ssl
from collections.abc import Sequence
from typing import assert_never

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from runhook.domain.judging import FailureReason
from runhook.domain.proxies import Proxy
from runhook.outbound.certificates import certificate_sentence
from runhook.outbound.guard import AddressRefusedError
from runhook.outbound.handshake import CertificateRefusedError
from runhook.outbound.trip import Stage, Trip

# OpenSSL's names; they differ a little from one version to another.
NO_TLS_AT_ALL = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "BAD_RECORD_TYPE")
TLS_TOO_OLD = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION")


def explain_status(status_code: int, trip: Trip) -> tuple[FailureReason | None, str]:
    """Return the reason and the sentence for an answer, no reason for a 2xx."""
    if 200 <= status_code < 300:
        return None, ""
    if status_code == 407 and trip.proxy is not None:
        return FailureReason.PROXY_FAILED, refusal_of_proxy(status_code, trip, trip.proxy)
    if 300 <= status_code < 400:
        return FailureReason.HTTP_STATUS, (
            f"The endpoint answered {status_code}, and redirects are not followed; "
            "give the webhook the final URL."
        )
    return FailureReason.HTTP_STATUS, f"The endpoint answered {status_code}."


def explain(error: Exception, trip: Trip) -> tuple[FailureReason, str]:
    """Return the reason and the sentence for an exception that a request ended with."""
    if trip.refusals and not trip.dialled:
        return FailureReason.ADDRESS_REFUSED, trip.refusals[0]
    if isinstance(error, TimeoutError):
        return FailureReason.TIMED_OUT, deadline_sentence(trip)
    if trip.proxy is not None and is_of_proxy(error, trip, trip.proxy):
        return FailureReason.PROXY_FAILED, proxy_sentence(error, trip, trip.proxy)
    match error:
        case aiohttp.ClientConnectorDNSError():
            return FailureReason.DNS_FAILED, name_sentence(error.os_error, trip)
        case aiohttp.ClientConnectorCertificateError(
            certificate_error=CertificateRefusedError() as cause
        ):
            return FailureReason.TLS_FAILED, certificate_sentence(cause, trip.host, trip.place)
        case aiohttp.ClientSSLError():
            return FailureReason.TLS_FAILED, handshake_sentence(error.os_error, trip)
        case aiohttp.ClientConnectorError() if trip.stage is Stage.SHAKING_HANDS:
            return FailureReason.TLS_FAILED, handshake_sentence(error.os_error, trip)
        case aiohttp.ClientConnectorError():
            return FailureReason.CONNECTION_FAILED, connection_sentence(error.os_error, trip)
        case aiohttp.ServerDisconnectedError():
            return (
                FailureReason.CONNECTION_FAILED,
                f"{trip.place} closed the connection before it had answered; look at its log.",
            )
        case HttpProcessingError() if is_about_size(error):
            return (
                FailureReason.RESPONSE_TOO_LARGE,
                f"The headers that {trip.place} answered are too many or too long.",
            )
        case HttpProcessingError():
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
        case ValueError():
            return FailureReason.CONNECTION_FAILED, "The URL cannot be requested; check it."
        case _:
            return FailureReason.CONNECTION_FAILED, f"The request failed: {type(error).__name__}."


def name_sentence(error: OSError, trip: Trip) -> str:
    """Say that a host name could not be looked up, in the resolver's words."""
    words = system_words(error)
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return (
            f"No connection to {trip.place}: no name server could say the host's address "
            f"({words}); check the domain's name servers, and the resolver of Runhook's system."
        )
    return f"No connection to {trip.place}: the host name has no address ({words}); check the URL."


def handshake_sentence(error: OSError, trip: Trip) -> str:
    """Say that there is a connection, and no TLS on it."""
    reason = (error.reason if isinstance(error, ssl.SSLError) else None) or ""
    words = reason.replace("_", " ").lower() or "it hung up"
    if reason in TLS_TOO_OLD:
        remedy = "let the endpoint speak TLS 1.2 or newer."
    elif reason in NO_TLS_AT_ALL or not reason:
        remedy = "does that port speak https?"
    else:
        remedy = "check the endpoint's TLS settings."
    return f"The TLS handshake with {trip.place} failed ({words}); {remedy}"


def connection_sentence(error: OSError, trip: Trip) -> str:
    """Say why there is no connection."""
    refused = f" Of its addresses, {trip.refusals[0]}" if trip.refusals else ""
    if isinstance(error, AddressRefusedError):
        return f"No connection to {trip.place}.{refused}"
    return f"No connection to {trip.place}: {dialling_words(error, trip)}{refused}"


def dialling_words(error: OSError, trip: Trip) -> str:
    """Return what came of dialling, and what to do."""
    dialled = listed(trip.dialled)
    if error.errno == errno.ECONNREFUSED:
        return f"connection refused by {dialled}; check that it is up, and listens on that port."
    return f"{system_words(error)} ({dialled})."


def is_of_proxy(error: Exception, trip: Trip, proxy: Proxy) -> bool:
    """Whether it was the proxy that failed, and not the endpoint behind it."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return (error.host, error.port) == (URL(proxy.url).raw_host, proxy.port)
    return trip.stage in (Stage.RESOLVING, Stage.CONNECTING) and isinstance(
        error, aiohttp.ClientError | OSError
    )


def proxy_sentence(error: Exception, trip: Trip, proxy: Proxy) -> str:
    """Say why a proxy did not bring us to the endpoint."""
    match error:
        case aiohttp.ClientHttpProxyError():
            return refusal_of_proxy(error.status, trip, proxy)
        case aiohttp.ClientConnectorDNSError():
            why = f"its host name has no address ({system_words(error.os_error)})."
        case aiohttp.ClientConnectorCertificateError(
            certificate_error=CertificateRefusedError() as cause
        ):
            return certificate_sentence(cause, proxy.host, f"the proxy {proxy.place}")
        case aiohttp.ClientSSLError():
            why = "the TLS handshake failed; does it speak https?"
        case aiohttp.ClientConnectorError():
            why = dialling_words(error.os_error, trip)
        case _:
            why = "it hung up, or answered what is not HTTP; is it a proxy?"
    return f"No connection to the proxy {proxy.place}: {why}"


def refusal_of_proxy(status_code: int, trip: Trip, proxy: Proxy) -> str:
    """Say what a proxy answered instead of bringing us to the endpoint."""
    remedy = "look at its log and its rules"
    if status_code == 407:
        remedy = "write a valid user:password@ before its host"
    return (
        f"The proxy {proxy.place} answered {status_code} when it was asked for "
        f"{trip.endpoint}; {remedy}."
    )


def deadline_sentence(trip: Trip) -> str:
    """Say how far a request had come when its time was over."""
    limit = f"within {trip.deadline.total_seconds():g} s"
    match trip.stage:
        case Stage.QUEUED:
            return (
                f"No connection to {trip.place} became free {limit}: "
                "as many as there may be were in use, all of them slow."
            )
        case Stage.RESOLVING | Stage.CONNECTING | Stage.SHAKING_HANDS if trip.proxy is not None:
            return f"No connection to {trip.place} {limit}; look at the proxy."
        case Stage.RESOLVING:
            return (
                f"No connection to {trip.place}: no name server said the host's address {limit}; "
                "check the domain's name servers, and the resolver of Runhook's system."
            )
        case Stage.CONNECTING:
            return (
                f"No connection to {trip.place} {limit}: {listed(trip.dialled)} did not answer; "
                "check that it is up, and that no firewall drops what we send."
            )
        case Stage.SHAKING_HANDS:
            return (
                f"The TLS handshake with {trip.place} did not end {limit}; "
                "does that port speak https?"
            )
        case Stage.WAITING:
            return f"{trip.place} did not answer {limit}; let it answer first and work afterwards."
        case Stage.READING:
            return f"The endpoint answered {trip.status_code}, but its body did not end {limit}."
        case unknown:
            assert_never(unknown)


def is_about_size(error: HttpProcessingError) -> bool:
    """Whether there were more headers than we read, which aiohttp tells in words only."""
    return "bytes when reading" in error.message or error.message.startswith("Too many headers")


def listed(places: Sequence[str]) -> str:
    """Return what was dialled, as people list it."""
    return " and ".join(places)


def system_words(error: OSError) -> str:
    """Return the operating system's words for an error, or the resolver's.

    Of an error of the system, ``strerror`` will not do: asyncio puts its own there, with the
    address as Python writes it.
    """
    if isinstance(error, socket.gaierror):
        return (error.strerror or str(error)).lower()
    return os.strerror(error.errno).lower() if error.errno else "none of its addresses takes it"
