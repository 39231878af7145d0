"""From a delivery to the request that attempts it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from urllib.parse import parse_qsl

from runhook.domain.deliveries.delivery import Attempt, AttemptTrigger
from runhook.domain.deliveries.judging import Outcome, read_outcome
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Rendered
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.network.destinations import host_of
from runhook.domain.options.declaring import MASK
from runhook.domain.webhooks.format_settings import secrets_in
from runhook.domain.webhooks.options import Options
from runhook.domain.webhooks.requests import signed_request
from runhook.domain.webhooks.signature import SIGNATURE_HEADER
from runhook.domain.webhooks.tls import USUAL_TLS, TlsSettings
from runhook.domain.webhooks.webhook import Endpoint
from runhook.outbound.sender import Request

PROOFS = frozenset({"authorization", "webhook-signature", SIGNATURE_HEADER.lower()})
"""The headers that prove a request."""
SHORTEST_VALUE = 8
"""How long a header's value is at least that is masked in answers."""
SHORTEST_WORD = 16
"""How long a word of it is at least, such as a token behind `Bearer`."""


def prepare(
    endpoint: Endpoint,
    rendered: Rendered,
    *,
    delivery_id: DeliveryId,
    now: datetime,
    trace: str | None = None,
) -> Request:
    """Build the request: the delivery's own bytes, signed for this attempt.

    Args:
        endpoint: where it goes.
        rendered: what was kept of the delivery.
        delivery_id: names it to its receiver.
        now: dates the signature.
        trace: what the receiver's work belongs to, as `traceparent`; programs of one's own are
            told, which know it by the signature.
    """
    options = endpoint.options
    draft = signed_request(endpoint, rendered, delivery_id=delivery_id, now=now, trace=trace)
    return Request(
        url=draft.url,
        headers=dict(draft.headers),
        body=draft.body,
        method=draft.method,
        tls=tls_of(options),
        read=partial(
            read_outcome, format_=FORMATS[options.format], host=host_of(endpoint.client_url)
        ),
        timeout=options.attempt_timeout,
    )


def tls_of(options: Options) -> TlsSettings:
    """TLS settings of a webhook's endpoint."""
    certificate = options.client_certificate
    if certificate is None and options.ca_certificate is None and options.verify_tls:
        return USUAL_TLS
    return TlsSettings(
        certificate=certificate.certificate if certificate else "",
        key=certificate.key if certificate else "",
        authorities=options.ca_certificate or "",
        is_verified=options.verify_tls,
    )


def attempt_of(
    request: Request,
    endpoint: Endpoint,
    outcome: Outcome,
    *,
    delivery_id: DeliveryId,
    number: int,
    trigger: AttemptTrigger,
    sent_at: datetime,
) -> Attempt:
    """The log entry of a request that was sent.

    Signatures and headers that the owner added are masked, also in a response that repeats them: a
    reader of the log could send the same again.
    """
    options = endpoint.options
    credentials = credentials_of(endpoint)
    secret = {
        name: value
        for name, value in request.headers.items()
        if name.lower() in PROOFS
        or name in options.custom_headers
        or (credentials and any(one in value for one in credentials))
    }
    return Attempt(
        delivery_id=delivery_id,
        number=number,
        trigger=trigger,
        sent_at=sent_at,
        request_headers={**request.headers, **dict.fromkeys(secret, MASK)},
        outcome=without(outcome, [*secret.values(), *credentials]),
    )


def credentials_of(endpoint: Endpoint) -> list[str]:
    """List what is secret of an endpoint beside its headers: in its URL and its settings."""
    options = endpoint.options
    found = [options.authorization.secret] if options.authorization else []
    found += secrets_in(options.format_settings)
    if FORMATS[options.format].url_is_secret:
        path, _, query = endpoint.client_url.partition("://")[2].partition("/")[2].partition("?")
        found += [endpoint.client_url, path, query, *path.split("/")]
        found += [value for _, value in parse_qsl(query)]
    return [one for one in found if len(one) >= SHORTEST_VALUE]


def without(outcome: Outcome, secrets: Iterable[str]) -> Outcome:
    """Mask secrets in an answer, and in what is said of it."""
    if not outcome.response_body and not outcome.response_headers and not outcome.error:
        return outcome
    body, headers, error = outcome.response_body, outcome.response_headers, outcome.error
    repeated = [
        text
        for text in parts_of_secret_value(secrets)
        if text.encode() in body or text in error or any(text in one for one in headers.values())
    ]
    if not repeated:
        return outcome
    for text in repeated:
        body = body.replace(text.encode(), MASK.encode())
        headers = {name: value.replace(text, MASK) for name, value in headers.items()}
        error = error.replace(text, MASK)
    return replace(outcome, response_body=body, response_headers=headers, error=error)


def parts_of_secret_value(secrets: Iterable[str]) -> list[str]:
    """List what is secret in headers: whole values, and long words in them, the longest first.

    What is short is left: an answer can have it by chance.
    """
    whole = {text for text in secrets if len(text) >= SHORTEST_VALUE}
    words = {word for text in whole for word in text.split() if len(word) >= SHORTEST_WORD}
    return sorted(whole | words, key=len, reverse=True)
