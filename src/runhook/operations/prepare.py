"""From a delivery to the request that attempts it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from runhook.domain.declaring import MASK
from runhook.domain.deliveries import Attempt, AttemptTrigger
from runhook.domain.judging import Outcome
from runhook.domain.options import Options
from runhook.domain.signature import SIGNATURE_HEADER, sign
from runhook.domain.telling import DeliveryId
from runhook.domain.tls import USUAL_TLS, TlsSettings
from runhook.domain.webhooks import Endpoint
from runhook.outbound.sender import Request

PROOFS = frozenset({"authorization", "webhook-signature", SIGNATURE_HEADER.lower()})
"""The headers that prove a request."""
SHORTEST_VALUE = 8
"""How long a header's value is at least that is masked in answers."""
SHORTEST_WORD = 16
"""How long a word of it is at least, such as a token behind `Bearer`."""


def prepare(endpoint: Endpoint, *, delivery_id: DeliveryId, body: bytes, now: datetime) -> Request:
    """Return the request: the delivery's own bytes, signed for this attempt."""
    options = endpoint.options
    proofs = sign(endpoint.secrets, message_id=delivery_id, timestamp=now, body=body)
    if options.authorization is not None:
        signature = proofs.pop("Authorization")
        proofs |= {"Authorization": options.authorization.header, SIGNATURE_HEADER: signature}
    return Request(
        url=endpoint.client_url,
        headers={"Content-Type": "application/json", **options.custom_headers, **proofs},
        body=body,
        tls=tls_of(options),
        timeout=options.attempt_timeout,
    )


def tls_of(options: Options) -> TlsSettings:
    """Return how TLS is spoken with a webhook's endpoint."""
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
    """Return what is logged of a request that was sent.

    What proves it, and what its owner added, is masked, in an answer that repeats it too: who can
    read the log could send the same again.
    """
    options = endpoint.options
    secret = {
        name: value
        for name, value in request.headers.items()
        if name.lower() in PROOFS or name in options.custom_headers
    }
    credential = [options.authorization.secret] if options.authorization else []
    return Attempt(
        delivery_id=delivery_id,
        number=number,
        trigger=trigger,
        sent_at=sent_at,
        request_headers={**request.headers, **dict.fromkeys(secret, MASK)},
        outcome=without(outcome, [*secret.values(), *credential]),
    )


def without(outcome: Outcome, secrets: Iterable[str]) -> Outcome:
    """Mask secrets in an answer."""
    if not outcome.response_body and not outcome.response_headers:
        return outcome
    body, headers = outcome.response_body, dict(outcome.response_headers)
    for text in parts_of(secrets):
        body = body.replace(text.encode(), MASK.encode())
        headers = {name: value.replace(text, MASK) for name, value in headers.items()}
    return replace(outcome, response_body=body, response_headers=headers)


def parts_of(secrets: Iterable[str]) -> list[str]:
    """List what is secret in headers: whole values, and long words in them, the longest first.

    What is short is left: an answer can have it by chance.
    """
    whole = {text for text in secrets if len(text) >= SHORTEST_VALUE}
    words = {word for text in whole for word in text.split() if len(word) >= SHORTEST_WORD}
    return sorted(whole | words, key=len, reverse=True)
