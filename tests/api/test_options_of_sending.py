"""What a webhook's requests are made with: a credential of the endpoint's, TLS, a time limit."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import httpx
import pytest
import standardwebhooks
import structlog

from runhook.domain.people.permissions import PermissionSet
from tests.support.api import A_WEBHOOK, Api, data_of, new_webhook, told
from tests.support.certificates import a_certificate
from tests.support.receiver import Received, Receiver

MASK = "********"
CERTIFICATE, KEY = a_certificate()
AUTHORITY, _ = a_certificate(is_authority=True)
LONG_AGO = datetime(2021, 5, 3, tzinfo=UTC)
OLD_CERTIFICATE, OLD_KEY = a_certificate(expires=LONG_AGO)
SEALED_CERTIFICATE, SEALED_KEY = a_certificate(passphrase=b"planted")
BASIC = {"scheme": "basic", "user": "ada", "secret": "pass:wörd"}
BEARER = {"scheme": "bearer", "secret": "planted.token"}
OTHER = {"scheme": "other", "secret": "Splunk planted-value"}
IN_WORDS = {"basic": "pass", "bearer": "planted", "other": "planted"}


def path_of(webhook: dict[str, object], end: str = "") -> str:
    return f"/webhooks/subscription/{webhook['id']}{end}"


async def tried(client: httpx.AsyncClient, webhook: dict[str, object], at: Receiver) -> Received:
    """Send a test, and return what arrived."""
    data_of(await client.get(path_of(webhook, "/test")))
    return at.received[-1]


@pytest.mark.parametrize(
    ("authorization", "header"),
    [
        (BASIC, "Basic " + base64.b64encode("ada:pass:wörd".encode()).decode()),
        (BEARER, "Bearer planted.token"),
        (OTHER, "Splunk planted-value"),
    ],
)
async def test_an_endpoints_own_credential_is_sent_and_the_signature_beside_it(
    admin: httpx.AsyncClient, authorization: dict[str, str], header: str
):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, authorization=authorization)
        request = await tried(admin, webhook, receiver)

    secret = webhook["hmac_secret"]
    expected = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["authorization"] == header
    assert request.headers["x-runhook-signature"] == expected
    sent_at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    assert request.headers["webhook-signature"] == standardwebhooks.Webhook(secret).sign(
        request.headers["webhook-id"], sent_at, request.body.decode()
    )


async def test_without_it_the_signature_is_back_in_its_place(admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, authorization=BEARER)
        await admin.put(path_of(webhook), json={"authorization": None})
        request = await tried(admin, webhook, receiver)

    expected = hmac.new(webhook["hmac_secret"].encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["authorization"] == expected
    assert "x-runhook-signature" not in request.headers


@pytest.mark.parametrize("authorization", [BASIC, BEARER, OTHER], ids=lambda one: one["scheme"])
async def test_its_secret_is_masked_wherever_it_could_be_read(
    api: Api, admin: httpx.AsyncClient, authorization: dict[str, str]
):
    reader = await api.client_with(PermissionSet.READ_ONLY)
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, authorization=authorization)
        request = await tried(admin, webhook, receiver)
    (event,) = data_of(await reader.get(path_of(webhook, "/events")))
    receipt = await reader.get(path_of(webhook, f"/event/{event['id']}/receipt"))
    shown = await reader.get(path_of(webhook))
    log = await admin.get("/audit-log")

    assert data_of(shown)["authorization"] == {"user": "", **authorization, "secret": MASK}
    for answer in (receipt, shown, log):
        assert request.headers["authorization"] not in answer.text
        assert request.headers["x-runhook-signature"] not in answer.text
        assert IN_WORDS[authorization["scheme"]] not in answer.text


async def test_what_is_masked_keeps_its_value_on_the_same_origin_only(admin: httpx.AsyncClient):
    async with Receiver() as receiver, Receiver() as elsewhere:
        webhook = await new_webhook(admin, client_url=receiver.url, authorization=BASIC)
        renamed = {"authorization": {**BASIC, "user": "grace", "secret": MASK}}
        data_of(await admin.put(path_of(webhook), json=renamed))
        request = await tried(admin, webhook, receiver)
        moved = await admin.put(path_of(webhook), json={"client_url": elsewhere.url, **renamed})

    credential = request.headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(credential).decode() == "grace:pass:wörd"
    assert "give `authorization.secret` again" in told(moved, 400)


WOULD_NOT_WORK = [
    ("authorization", {"secret": "x"}, "authorization.scheme: choose"),
    ("authorization", {"scheme": "digest", "secret": "x"}, "authorization.scheme: "),
    ("authorization", {"scheme": "basic", "secret": "x"}, "authorization.user: "),
    ("authorization", {**BASIC, "user": "a:b"}, "authorization.user: a user has no colon"),
    ("authorization", {**BASIC, "user": "a\0"}, "authorization.user: a user has no colon"),
    ("authorization", {**BEARER, "user": "ada"}, "authorization.user: only Basic"),
    ("authorization", {"scheme": "bearer"}, "authorization.secret: give the password"),
    ("authorization", {**BEARER, "secret": MASK}, "authorization.secret: there is no value"),
    ("authorization", {**BEARER, "secret": "Bearer x"}, "authorization.secret: a token has no"),
    ("authorization", {**OTHER, "secret": "x\r\nX-Y: 1"}, "authorization.secret: it has a"),
    ("authorization", {**OTHER, "secret": "ü"}, "authorization.secret: it is not one line"),
    ("authorization", {**OTHER, "secret": "x" * 4_001}, "authorization.secret: 4001 char"),
    ("authorization", {**BASIC, "pasword": "x"}, "authorization: unknown key `pasword`"),
    ("authorization", "Bearer x", "authorization: Expected `object"),
    ("attempt_timeout", 0.5, "attempt_timeout: 0.5 is not from 1 to 60 seconds"),
    ("attempt_timeout", 61, "attempt_timeout: 61 is not from 1 to 60 seconds"),
    ("attempt_timeout", "ten", "attempt_timeout: Expected `"),
    ("verify_tls", "no", "verify_tls: Expected `bool"),
    ("ca_certificate", "trust me", "ca_certificate: it is not PEM"),
    (
        "ca_certificate",
        "-----BEGIN CERTIFICATE-----",
        "ca_certificate: it has no readable certificate",
    ),
    ("ca_certificate", "-----BEGIN " + "x" * 33_000, "ca_certificate: 33011 bytes are too"),
    ("ca_certificate", KEY, "ca_certificate: it has no readable"),
    (
        "ca_certificate",
        a_certificate(issuer="who")[0],
        "ca_certificate: the certificate of `CN=r",
    ),
    (
        "ca_certificate",
        a_certificate(is_authority=True, expires=LONG_AGO)[0],
        "ca_certificate: the certificate of `CN=runhook` expired on 2021-05-03",
    ),
    ("client_certificate", {"key": KEY}, "client_certificate.certificate: give"),
    ("client_certificate", {"certificate": CERTIFICATE}, "client_certificate.key: give"),
    (
        "client_certificate",
        {"certificate": SEALED_CERTIFICATE, "key": SEALED_KEY},
        "client_certificate.key: it is encrypted with a passphrase",
    ),
    (
        "client_certificate",
        {"certificate": CERTIFICATE, "key": CERTIFICATE},
        "client_certificate.key: it is not a readable private key",
    ),
    (
        "client_certificate",
        {"certificate": CERTIFICATE, "key": OLD_KEY},
        "client_certificate.key: it is not the key of the first certificate",
    ),
    (
        "client_certificate",
        {"certificate": OLD_CERTIFICATE, "key": OLD_KEY},
        "client_certificate.certificate: the certificate of `CN=runhook` expired",
    ),
    ("custom_headers", {"x-runhook-signature": "1"}, "custom_headers: `x-runhook-signature`"),
]


async def test_what_would_not_work_is_refused_in_words_when_it_is_saved(
    admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    for option, value, message in WOULD_NOT_WORK:
        with subtests.test(option=option):
            answer = await admin.post("/webhooks/subscriptions", json={**A_WEBHOOK, option: value})

            sentence = told(answer, 400)
            assert sentence.startswith(message)
            assert "PRIVATE" not in sentence


async def test_options_of_tls_come_back_as_they_were_given_but_for_the_key(
    admin: httpx.AsyncClient,
):
    chosen = {
        "attempt_timeout": 60,
        "verify_tls": False,
        "ca_certificate": AUTHORITY,
        "client_certificate": {"certificate": CERTIFICATE, "key": KEY},
    }
    webhook = await new_webhook(admin, **chosen)

    saved = data_of(await admin.put(path_of(webhook), json={**webhook, "name": "Renamed"}))

    masked = {"certificate": chosen["client_certificate"]["certificate"], "key": MASK}
    expected = {**chosen, "client_certificate": masked}
    assert {name: webhook[name] for name in chosen} == expected
    assert {name: saved[name] for name in chosen} == expected


async def test_tls_that_is_not_verified_is_told_in_the_log_and_in_the_audit_log(
    admin: httpx.AsyncClient,
):
    webhook = await new_webhook(admin)

    with structlog.testing.capture_logs() as logged:
        await admin.put(path_of(webhook), json={"verify_tls": False})
    changed, _ = data_of(await admin.get("/audit-log", params={"subject": webhook["id"]}))

    assert (changed["before"], changed["after"]) == ({"verify_tls": True}, {"verify_tls": False})
    (line,) = [one for one in logged if one.get("webhook") == webhook["id"]]
    assert (line["event"], line["log_level"]) == ("webhook.unverified", "warning")
