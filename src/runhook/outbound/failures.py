"""Names for what goes wrong between us and an endpoint, and sentences that help to fix it."""

import errno
import os
import socket
import ssl
from collections.abc import Sequence
from typing import assert_never

from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.errors import InvalidError
from runhook.domain.network.proxies import Proxy
from runhook.outbound.answers import (
    INTERIM_COUNT_LIMIT,
    AnswerRefusedError,
    HeadTooLargeError,
    LengthsDifferError,
    Response,
    TooManyInterimError,
)
from runhook.outbound.certificates import certificate_sentence
from runhook.outbound.connection import ClosedError
from runhook.outbound.dialling import (
    CertificateRefusedError,
    HandshakeError,
    NotConnectedError,
    TunnelRefusedError,
    UnknownNameError,
)
from runhook.outbound.guard import AddressRefusedError
from runhook.outbound.proxy_pauses import ProxyPausedError
from runhook.outbound.smtp import NoLoginError, NoTlsError, NotSmtpError
from runhook.outbound.trip import Trip, TripStage

# OpenSSL's names; they differ a little from one version to another.
NO_TLS_AT_ALL = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "BAD_RECORD_TYPE")
TLS_TOO_OLD = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION")
CERTIFICATE_WANTED = ("TLSV13_ALERT_CERTIFICATE_REQUIRED",)
CERTIFICATE_UNFIT = (
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    "SSLV3_ALERT_CERTIFICATE_REVOKED",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    "TLSV1_ALERT_UNKNOWN_CA",
    "TLSV1_ALERT_DECRYPT_ERROR",
)
"""What an endpoint says of the certificate that we showed, or that we should have shown."""
CERTIFICATE_MAYBE = ("SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_ACCESS_DENIED")

OUR_EXHAUSTION = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EADDRNOTAVAIL,
        errno.EAGAIN,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EACCES,
        errno.EPERM,
    }
)
"""What the system says when it is this machine that has no descriptor, memory, port or network
left, or that forbids to connect."""
PROXY_WANTS_CREDENTIALS = 407
OUR_RESOLVER = frozenset({socket.EAI_MEMORY, socket.EAI_SYSTEM})


def explain_status(status_code: int, trip: Trip) -> tuple[FailureReason | None, str]:
    """Failure reason and sentence for a status code; no reason for a 2xx."""
    if 200 <= status_code < 300:
        return None, ""
    if status_code == PROXY_WANTS_CREDENTIALS and trip.proxy is not None:
        return FailureReason.PROXY_FAILED, refusal_of_proxy(status_code, trip, trip.proxy)
    if 300 <= status_code < 400:
        return FailureReason.HTTP_STATUS, (
            f"The endpoint answered {status_code}, and redirects are not followed; "
            "give the webhook the final URL."
        )
    return FailureReason.HTTP_STATUS, f"The endpoint answered {status_code}."


def note_of(answer: Response) -> str:
    """Sentence about what was odd in a response; empty for an ordinary one."""
    if not answer.oddities:
        return ""
    return f"The answer is not written as HTTP has it: {'; '.join(answer.oddities)}."


def is_own_fault(error: BaseException, trip: Trip) -> bool:
    """Whether it was us who failed, and not the endpoint: what we run on, our proxy or mail server.

    A mail server that fails while it is given a letter may have it; that is not tried for ever.
    """
    is_at_ours = trip.is_at_proxy or (trip.is_mail and not trip.is_handed_over)
    is_paused = isinstance(error, ProxyPausedError)
    return is_at_ours or is_paused or is_machines_fault(error, trip)


def stops_mail(error: BaseException, trip: Trip) -> bool:
    """Whether the mail server failed, and would have failed any other letter as well."""
    has_tried = trip.is_mail and trip.stage is not TripStage.QUEUED
    return has_tried and not trip.is_about_letter and not is_machines_fault(error, trip)


def stops_proxy(error: BaseException, trip: Trip) -> bool:
    """Whether the proxy failed, and would have failed any other request as well.

    What it says of one endpoint, or how long it tries to reach that, may be otherwise for the next.
    """
    if isinstance(error, TunnelRefusedError):
        return error.status_code == PROXY_WANTS_CREDENTIALS
    return trip.is_at_proxy and not trip.has_proxy and not is_machines_fault(error, trip)


def is_machines_fault(error: BaseException, trip: Trip) -> bool:
    """Whether it was the machine that we run on, with its name servers."""
    match error:
        case TimeoutError() if is_deadline(error):
            return trip.stage is TripStage.QUEUED or (
                trip.stage is TripStage.RESOLVING and trip.are_names_unanswered
            )
        case UnknownNameError():
            # Errors that are not the resolver's come from our own system.
            is_word = isinstance(error.os_error, socket.gaierror)
            return trip.are_names_unanswered or not is_word or error.errno in OUR_RESOLVER
        case MemoryError():
            return True
        case HandshakeError():
            return is_exhaustion(error.os_error)
        case OSError():
            return is_exhaustion(error)
        case _:
            return False


def is_exhaustion(error: OSError) -> bool:
    """Whether the system says that this machine has nothing left.

    OpenSSL's errors, and those of names, have numbers of their own.
    """
    is_systems = not isinstance(error, ssl.SSLError | socket.gaierror)
    return is_systems and error.errno in OUR_EXHAUSTION


def explain(error: BaseException, trip: Trip) -> tuple[FailureReason, str]:
    """Failure reason and sentence for the exception that ended a request."""
    if trip.refusals and not trip.dialled:
        return FailureReason.ADDRESS_REFUSED, trip.refusals[0]
    if is_deadline(error):
        return FailureReason.TIMED_OUT, deadline_sentence(trip)
    if trip.proxy is not None and trip.is_at_proxy:
        return FailureReason.PROXY_FAILED, proxy_sentence(error, trip, trip.proxy)
    match error:
        case ProxyPausedError():
            return FailureReason.PROXY_FAILED, str(error)
        case UnknownNameError():
            return FailureReason.DNS_FAILED, name_sentence(error.os_error, trip)
        case CertificateRefusedError():
            return FailureReason.TLS_FAILED, certificate_sentence(error, trip.host, trip.place)
        case HandshakeError():
            return FailureReason.TLS_FAILED, handshake_sentence(error.os_error, trip)
        case ssl.SSLError():
            # In TLS 1.3 the handshake is over for us before the endpoint has looked at it.
            return FailureReason.TLS_FAILED, handshake_sentence(error, trip)
        case NotConnectedError():
            return FailureReason.CONNECTION_FAILED, connection_sentence(error.os_error, trip)
        case ClosedError():
            return (
                FailureReason.CONNECTION_FAILED,
                f"{trip.place} closed the connection before it had answered; look at its log.",
            )
        case AnswerRefusedError():
            return refusal_of_answer(error, trip)
        case NotSmtpError() | NoTlsError() | NoLoginError():
            return refusal_of_mail_server(error, trip)
        case OSError():
            return (
                FailureReason.CONNECTION_FAILED,
                f"The connection to {trip.place} broke: {system_words(error)}.",
            )
        case InvalidError() | ValueError() if trip.url is None:
            return FailureReason.CONNECTION_FAILED, "The URL cannot be requested; check it."
        case InvalidError():
            return FailureReason.TLS_FAILED, f"The webhook's TLS settings: {error.message}."
        case MemoryError():
            return FailureReason.CONNECTION_FAILED, "Runhook has no memory left for the request."
        case _:
            return FailureReason.CONNECTION_FAILED, f"The request failed: {type(error).__name__}."


def is_deadline(error: BaseException) -> bool:
    """Whether it is our deadline that ended a request, and not the system's patience."""
    return isinstance(error, TimeoutError) and error.errno is None


def refusal_of_answer(error: AnswerRefusedError, trip: Trip) -> tuple[FailureReason, str]:
    """Failure reason and sentence for data that is not a readable response."""
    match error:
        case HeadTooLargeError():
            return (
                FailureReason.RESPONSE_TOO_LARGE,
                f"The headers that {trip.place} answered are too many or too long.",
            )
        case TooManyInterimError():
            return (
                FailureReason.RESPONSE_TOO_LARGE,
                (
                    f"{trip.place} announced an answer more than {INTERIM_COUNT_LIMIT} times, "
                    "or at too great length, and did not give it."
                ),
            )
        case LengthsDifferError():
            return (
                FailureReason.CONNECTION_FAILED,
                (
                    f"What {trip.place} answered names two different lengths of one body; "
                    "look at what answers there, and at the proxies before it."
                ),
            )
        case _:
            return (
                FailureReason.CONNECTION_FAILED,
                f"What {trip.place} answered is not HTTP; check the URL's scheme and port.",
            )


def refusal_of_mail_server(
    error: NotSmtpError | NoTlsError | NoLoginError, trip: Trip
) -> tuple[FailureReason, str]:
    """Failure reason and sentence for a mail server that is not what its URL says."""
    match error:
        case NotSmtpError():
            return (
                FailureReason.CONNECTION_FAILED,
                f"What {trip.place} answered is not SMTP; check RUNHOOK_SMTP_URL and its port.",
            )
        case NoTlsError():
            return (
                FailureReason.TLS_FAILED,
                (
                    f"The mail server {trip.place} does not offer STARTTLS, and without it no "
                    "mail is sent; give RUNHOOK_SMTP_URL with smtps://, or with ?tls=none in a "
                    "network of your own."
                ),
            )
        case NoLoginError():
            return (
                FailureReason.CONNECTION_FAILED,
                (
                    f"The mail server {trip.place} offers no way to log in; leave user and "
                    "password out of RUNHOOK_SMTP_URL, or check its port."
                ),
            )


def name_sentence(error: OSError, trip: Trip) -> str:
    """Say that a host name could not be looked up, in the resolver's words."""
    words = system_words(error)
    if trip.are_names_unanswered:
        return (
            f"No connection to {trip.place}: no name server answers Runhook at all ({words}); "
            "check the resolver of Runhook's system. The endpoint is not at fault."
        )
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return (
            f"No connection to {trip.place}: no name server could say the host's address "
            f"({words}); check the domain's name servers, and the resolver of Runhook's system."
        )
    return (
        f"No connection to {trip.place}: the host name has no address ({words}); "
        f"check {trip.named_by}."
    )


def handshake_sentence(error: OSError, trip: Trip) -> str:
    """Say that there is a connection, and no TLS on it."""
    reason = (error.reason if isinstance(error, ssl.SSLError) else None) or ""
    words = reason.replace("_", " ").lower() or "it hung up"
    if reason in TLS_TOO_OLD:
        remedy = "let the endpoint speak TLS 1.2 or newer."
    elif reason in CERTIFICATE_WANTED + CERTIFICATE_UNFIT and trip.shows_certificate:
        remedy = "the endpoint does not accept the webhook's client certificate."
    elif reason in CERTIFICATE_WANTED + CERTIFICATE_UNFIT:
        remedy = "the endpoint asks for a client certificate: give the webhook one."
    elif reason in CERTIFICATE_MAYBE:
        remedy = (
            "check the endpoint's TLS settings: it may ask for a client certificate, "
            "or know none of our ciphers."
        )
    elif reason in NO_TLS_AT_ALL or not reason:
        remedy = f"does that port speak {trip.protocol}?"
    else:
        remedy = "check the endpoint's TLS settings."
    return f"The TLS handshake with {trip.place} failed ({words}); {remedy}"


def connection_sentence(error: OSError, trip: Trip) -> str:
    """Say why there is no connection."""
    refused = f" Besides: {trip.refusals[0]}" if trip.refusals else ""
    if isinstance(error, AddressRefusedError):
        return f"No connection to {trip.place}.{refused}"
    return f"No connection to {trip.place}: {dialling_words(error, trip)}{refused}"


def dialling_words(error: OSError, trip: Trip) -> str:
    """Say why dialling failed, and what to do."""
    if is_exhaustion(error):
        return (
            f"{system_words(error)} on Runhook's own machine; "
            "look at its limits and its network. The endpoint is not at fault."
        )
    dialled = joined_places(trip.dialled)
    if error.errno == errno.ECONNREFUSED:
        return f"connection refused by {dialled}; check that it is up, and listens on that port."
    return f"{system_words(error)} ({dialled})."


def proxy_sentence(error: BaseException, trip: Trip, proxy: Proxy) -> str:
    """Say why a proxy did not bring us to the endpoint."""
    match error:
        case TunnelRefusedError():
            return refusal_of_proxy(error.status_code, trip, proxy)
        case UnknownNameError():
            why = f"its host name has no address ({system_words(error.os_error)})."
        case CertificateRefusedError():
            return certificate_sentence(error, proxy.host, f"the proxy {proxy.place}")
        case HandshakeError():
            why = "the TLS handshake failed; does it speak https?"
        case NotConnectedError():
            why = dialling_words(error.os_error, trip)
        case _:
            why = "it hung up, or answered what is not HTTP; is it a proxy?"
    return f"No connection to the proxy {proxy.place}: {why}"


def refusal_of_proxy(status_code: int, trip: Trip, proxy: Proxy) -> str:
    """Say what a proxy answered instead of bringing us to the endpoint."""
    remedy = "look at its log and its rules"
    if status_code == PROXY_WANTS_CREDENTIALS:
        remedy = "write a valid user:password@ before its host"
    return (
        f"The proxy {proxy.place} answered {status_code} when it was asked for "
        f"{trip.endpoint}; {remedy}."
    )


def deadline_sentence(trip: Trip) -> str:
    """Say how far a request had come when its time was over."""
    limit = f"within {trip.deadline.total_seconds():g} s"
    if trip.is_at_proxy:
        return f"No connection to {trip.place} {limit}; look at the proxy."
    match trip.stage:
        case TripStage.QUEUED:
            return (
                f"No connection to {trip.place} became free {limit}: "
                "as many as there may be were in use, all of them slow."
            )
        case TripStage.RESOLVING:
            return (
                f"No connection to {trip.place}: no name server said the host's address {limit}; "
                "check the domain's name servers, and the resolver of Runhook's system."
            )
        case TripStage.CONNECTING:
            return (
                f"No connection to {trip.place} {limit}: {joined_places(trip.dialled)} did not "
                "answer; check that it is up, and that no firewall drops what we send."
            )
        case TripStage.SHAKING_HANDS:
            return (
                f"The TLS handshake with {trip.place} did not end {limit}; "
                "does that port speak https?"
            )
        case TripStage.WAITING if trip.is_mail:
            return (
                f"The mail server {trip.place} did not answer {limit} when it was asked for "
                f"{trip.asked}; look at it, and at RUNHOOK_SMTP_URL."
            )
        case TripStage.WAITING:
            return f"{trip.place} did not answer {limit}; let it answer first and work afterwards."
        case TripStage.READING:
            return f"The endpoint answered {trip.status_code}, but its body did not end {limit}."
        case unknown:
            assert_never(unknown)


def joined_places(places: Sequence[str]) -> str:
    """Join the places that were dialled."""
    return " and ".join(places)


def system_words(error: OSError) -> str:
    """The operating system's words for an error, or the resolver's.

    Of an error of the system, ``strerror`` will not do: asyncio puts its own there, with the
    address as Python writes it.
    """
    if isinstance(error, socket.gaierror):
        return (error.strerror or str(error)).lower()
    return os.strerror(error.errno).lower() if error.errno else "none of its addresses takes it"
