"""The request that a delivery makes: its own bytes, with the headers that prove them."""

from datetime import datetime

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Draft, Rendered
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.traces import TRACEPARENT
from runhook.domain.webhooks.signature import SIGNATURE_HEADER, sign
from runhook.domain.webhooks.webhook import Endpoint


def signed_request(
    endpoint: Endpoint,
    rendered: Rendered,
    *,
    delivery_id: DeliveryId,
    now: datetime,
    trace: str | None = None,
) -> Draft:
    """Build the request that attempts a delivery, signed ``now``.

    Args:
        endpoint: where it goes.
        rendered: what was kept of the delivery.
        delivery_id: names it to its receiver.
        now: dates the signature.
        trace: what the receiver's work belongs to, as `traceparent`; left out where the format is
            not signed, since its receiver is a service of others.
    """
    options = endpoint.options
    format_ = FORMATS[options.format]
    draft = Draft(
        method=format_.method(options.settings),
        url=with_path(endpoint.client_url, rendered.path),
        headers={
            "Content-Type": format_.content_type,
            **rendered.headers,
            **options.custom_headers,
        },
        body=rendered.body,
    )
    draft = format_.finish(draft, options.settings)
    proofs: dict[str, str] = {}
    is_signed = format_.signs(options.settings)
    if trace is not None and is_signed and TRACEPARENT not in map(str.lower, draft.headers):
        draft = draft.with_header(TRACEPARENT, trace)
    if is_signed:
        proofs = sign(endpoint.secrets, message_id=delivery_id, timestamp=now, body=draft.body)
    if options.authorization is not None:
        if is_signed:
            proofs[SIGNATURE_HEADER] = proofs.pop("Authorization")
        proofs = {"Authorization": options.authorization.header, **proofs}
    return Draft(
        method=draft.method,
        url=draft.url,
        headers={**draft.headers, **proofs},
        body=draft.body,
    )


def with_path(url: str, path: str) -> str:
    """A URL with more of a path behind its own."""
    if not path:
        return url
    address, mark, query = url.partition("?")
    return f"{address.rstrip('/')}{path}{mark}{query}"
