"""The request of a delivery: what was kept of it, and the headers that prove it."""

from datetime import UTC, datetime

import pytest

from runhook.domain.formats.format import Draft, Rendered
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.webhooks.options import NO_OPTIONS, changed_options
from runhook.domain.webhooks.requests import signed_request
from runhook.domain.webhooks.signature import Secret, sign
from runhook.domain.webhooks.webhook import Endpoint

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
URL = "https://receiver.example.com/dbt"
SECRET = Secret.from_bytes(bytes(32))
BODY = b'{"text": "nightly failed"}'
KEPT = Rendered(body=BODY)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER_TRACE = "00-00000000000000000000000000000001-0000000000000001-00"
JSON = {"Content-Type": "application/json"}


def a_request(
    rendered: Rendered = KEPT,
    *,
    url: str = URL,
    trace: str | None = None,
    **options: object,
) -> Draft:
    """The request of a delivery to a webhook with these options, as they are written."""
    endpoint = Endpoint(
        webhook_id=WebhookId("wsu_1"),
        client_url=url,
        secrets=(SECRET,),
        options=changed_options(NO_OPTIONS, options),
    )
    return signed_request(endpoint, rendered, delivery_id=DeliveryId("wev_1"), now=NOW, trace=trace)


def proofs() -> dict[str, str]:
    """The headers that prove what ``a_request`` sends."""
    return sign((SECRET,), message_id="wev_1", timestamp=NOW, body=BODY)


def test_what_was_kept_is_sent_to_the_webhooks_url_with_its_proofs():
    request = a_request()

    assert (request.method, request.url, request.body) == ("POST", URL, BODY)
    assert request.headers == {**JSON, **proofs()}


def test_headers_of_the_format_and_of_the_webhook_go_along():
    rendered = Rendered(body=BODY, headers={"ce-id": "wev_1"})

    request = a_request(rendered, custom_headers={"X-Team": "data"})

    assert request.headers == {**JSON, "ce-id": "wev_1", "X-Team": "data", **proofs()}


def test_an_endpoints_own_credential_moves_the_signature_to_a_header_of_ours():
    request = a_request(authorization={"scheme": "bearer", "secret": "a-token"})

    of_dbt_cloud = proofs()["Authorization"]
    of_standard_webhooks = {key: one for key, one in proofs().items() if key != "Authorization"}
    assert request.headers == {
        **JSON,
        "Authorization": "Bearer a-token",
        "X-Runhook-Signature": of_dbt_cloud,
        **of_standard_webhooks,
    }


@pytest.mark.parametrize(
    ("own_header", "sent"),
    [
        ({}, {"traceparent": TRACE}),
        ({"traceparent": OTHER_TRACE}, {"traceparent": OTHER_TRACE}),
        ({"Traceparent": OTHER_TRACE}, {"Traceparent": OTHER_TRACE}),
    ],
)
def test_a_trace_goes_along_unless_the_webhook_has_a_header_of_that_name(own_header, sent):
    request = a_request(trace=TRACE, custom_headers=own_header)

    assert request.headers == {**JSON, **sent, **proofs()}


def test_a_service_of_others_gets_neither_a_signature_nor_a_trace():
    request = a_request(trace=TRACE, format="slack", url="https://hooks.slack.com/services/x")

    assert request.headers == JSON


def test_a_template_is_sent_with_its_own_method_and_credential_and_no_proof():
    settings = {"body": '{"text": "{{ headline }}"}', "method": "PUT", "signed": False}

    request = a_request(
        format="template",
        format_settings=settings,
        authorization={"scheme": "basic", "user": "me", "secret": "pw"},
    )

    assert request.method == "PUT"
    assert request.headers == {**JSON, "Authorization": "Basic bWU6cHc="}


@pytest.mark.parametrize(
    ("url", "sent_to"),
    [
        ("https://example.com/v2/alerts", "https://example.com/v2/alerts/key/close"),
        ("https://example.com/v2/alerts/", "https://example.com/v2/alerts/key/close"),
        ("https://example.com/X", "https://example.com/X/key/close"),
        ("https://example.com", "https://example.com/key/close"),
        ("https://example.com/a?b=1?/", "https://example.com/a/key/close?b=1?/"),
    ],
)
def test_a_path_of_the_delivery_stands_behind_the_urls_own_and_before_its_query(url, sent_to):
    rendered = Rendered(body=BODY, path="/key/close")

    assert a_request(rendered, url=url).url == sent_to


@pytest.mark.parametrize("url", ["https://example.com/a/", "https://example.com/?b=/"])
def test_without_a_path_of_the_delivery_a_url_stays_as_it_is(url):
    assert a_request(url=url).url == url
