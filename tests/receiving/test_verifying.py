"""`runhook.verify`, checked with other people's code: the published library and dbt's snippet."""

import base64
import hashlib
import hmac
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from standardwebhooks import Webhook

import runhook
from runhook.domain.webhooks.signature import Secret, sign

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
DBT_CLOUD_SECRET = "dbt-cloud's own 3f9a"
BODY = b'{"account_id": 1, "event_type": "job.run.completed", "data": {"job_name": "K\xc3\xb6ln"}}'
PAYLOAD = json.loads(BODY)


def signed(*secrets: str, body: bytes = BODY, at: datetime | None = None) -> dict[str, str]:
    """The headers that Runhook sends."""
    return sign(
        [Secret(one) for one in secrets],
        message_id="wev_1",
        timestamp=at or datetime.now(UTC),
        body=body,
    )


def signed_by_the_published_library(body: bytes = BODY) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": "wev_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("wev_1", now, body.decode()),
    }


def signed_by_dbt_cloud(body: bytes = BODY) -> dict[str, str]:
    """As dbt's documentation recomputes it."""
    digest = hmac.new(DBT_CLOUD_SECRET.encode("utf-8"), body, hashlib.sha256).hexdigest()
    return {"authorization": digest}


def test_believes_what_runhook_signed():
    assert runhook.verify(BODY, signed(SECRET), SECRET) == PAYLOAD


def test_believes_what_the_published_library_signed():
    assert runhook.verify(BODY, signed_by_the_published_library(), SECRET) == PAYLOAD


def test_the_published_library_believes_what_runhook_signed():
    assert Webhook(SECRET).verify(BODY, signed(SECRET)) == PAYLOAD


def test_believes_what_dbt_cloud_signed():
    assert runhook.verify(BODY, signed_by_dbt_cloud(), DBT_CLOUD_SECRET) == PAYLOAD


def test_dbts_documented_snippet_believes_what_runhook_signed():
    expected = hmac.new(SECRET.encode("utf-8"), BODY, hashlib.sha256).hexdigest()

    assert signed(SECRET)["Authorization"] == expected


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_reads_headers_in_any_spelling(spell: Callable[[str], str]):
    headers = {spell(name): value for name, value in signed(SECRET).items()}

    assert runhook.verify(BODY, headers, SECRET) == PAYLOAD


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_both_secrets_verify_while_rotating(secret: str):
    assert runhook.verify(BODY, signed(SECRET, OLD_SECRET), secret) == PAYLOAD


def test_a_secret_of_runhooks_is_not_proved_by_authorization_alone():
    """That header never grows old, so an attacker who recorded a delivery could send it again."""
    headers = {"Authorization": signed(SECRET)["Authorization"]}

    with pytest.raises(runhook.SignatureError, match="webhook-id header is missing"):
        runhook.verify(BODY, headers, SECRET)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_refuses_a_delivery_from_another_time(minutes: int):
    headers = signed(SECRET, at=datetime.now(UTC) + timedelta(minutes=minutes))

    with pytest.raises(runhook.SignatureError, match="more than 5 minutes off"):
        runhook.verify(BODY, headers, SECRET)


def test_refuses_another_secret():
    with pytest.raises(runhook.SignatureError, match="no webhook-signature matches"):
        runhook.verify(BODY, signed(OLD_SECRET), SECRET)
    with pytest.raises(runhook.SignatureError, match="Authorization header does not match"):
        runhook.verify(BODY, signed_by_dbt_cloud(), "another")


def test_refuses_a_delivery_that_was_not_signed():
    for secret in (SECRET, DBT_CLOUD_SECRET, ""):
        with pytest.raises(runhook.SignatureError):
            runhook.verify(BODY, {}, secret)


def test_a_secret_that_was_copied_badly_is_said_to_be():
    with pytest.raises(runhook.SignatureError, match="the secret is not"):
        runhook.verify(BODY, signed(SECRET), SECRET + "=")
    with pytest.raises(runhook.SignatureError, match="the secret is not"):
        runhook.verify(BODY, signed(SECRET), SECRET + "\N{EM DASH}")


@pytest.mark.parametrize(
    "secret", ["", " ", "whsec_", None, [], [SECRET, ""], [None], 7, SECRET + "="]
)
def test_a_secret_that_is_none_is_the_receivers_fault_and_proves_nothing(secret: Any):
    """Handling either kind of error is enough; both tell what is wrong."""
    with pytest.raises(ValueError, match=r"secret is|no secret") as caught:
        runhook.verify(BODY, signed(SECRET), secret)

    assert isinstance(caught.value, runhook.SignatureError)


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        (None, "the secret is not set: it is None; is its variable set?"),
        ("", "the secret is empty; is its variable set?"),
        (" \n", "the secret is empty; is its variable set?"),
        (b"", "the secret is empty; is its variable set?"),
        ("whsec_", "the secret is empty; is its variable set?"),
        (7, "the secret is not a text but int"),
        (f'"{SECRET}"', "it has quotation marks around it"),
        (f"'{SECRET}'", "it has quotation marks around it"),
        (SECRET.upper(), "it should begin with `whsec_`"),
        (SECRET.replace("whsec_", "whsec-"), "it should begin with `whsec_`"),
        (SECRET.replace("whsec_", "whsk_"), "it should begin with `whsec_`"),
        (SECRET[:20] + "\n" + SECRET[20:], "it has characters that no secret has"),
        (SECRET[:20] + " " + SECRET[20:], "it has white space in it"),
        (SECRET.encode("utf-16"), "was its file read in another encoding?"),
        ("\ufeff" + SECRET, "was its file read in another encoding?"),
        (SECRET[:-3], "is it complete?"),
        (SECRET.replace("whsec_", "whsec_whsec_"), "is it complete?"),
    ],
)
def test_a_secret_that_cannot_be_one_is_said_to_be_in_a_sentence(secret: Any, sentence: str):
    with pytest.raises(ValueError, match="the secret is") as caught:
        runhook.verify(BODY, signed(SECRET), secret)

    message = str(caught.value)
    assert sentence in message
    assert "\n" not in message
    assert SECRET[6:20] not in message


@pytest.mark.parametrize(
    ("secret", "hint"),
    [
        (SECRET.removeprefix("whsec_"), "was `whsec_` left out?"),
        (SECRET[:-8], "is the secret complete?"),
    ],
)
def test_a_secret_that_may_be_a_part_of_the_right_one_gets_a_hint(secret: str, hint: str):
    with pytest.raises(runhook.SignatureError, match=r"does not match|matches") as caught:
        runhook.verify(BODY, signed(SECRET), secret)

    assert str(caught.value).endswith(hint)


@pytest.mark.parametrize("secret", [f"{SECRET}\n", f"  {SECRET}\r\n", SECRET.encode()])
def test_white_space_around_a_secret_does_no_harm(secret: Any):
    assert runhook.verify(BODY, signed(SECRET), secret) == PAYLOAD


@pytest.mark.parametrize("secrets", [[OLD_SECRET, SECRET], (SECRET, DBT_CLOUD_SECRET)])
def test_any_of_several_secrets_may_have_signed(secrets: Sequence[str]):
    assert runhook.verify(BODY, signed(SECRET), secrets) == PAYLOAD
    assert runhook.verify(BODY, signed_by_the_published_library(), secrets) == PAYLOAD
    with pytest.raises(runhook.SignatureError, match="no webhook-signature matches"):
        runhook.verify(BODY, signed("whsec_" + "B" * 44), secrets)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, bytes.decode])
def test_takes_a_body_in_whatever_type_a_framework_hands_it_over(kind: Callable[[bytes], Any]):
    assert runhook.verify(kind(BODY), signed(SECRET), SECRET) == PAYLOAD
    assert runhook.verify(kind(BODY), signed_by_dbt_cloud(), DBT_CLOUD_SECRET) == PAYLOAD


@pytest.mark.parametrize("body", [None, PAYLOAD, [], 7, "\ud800", io.BytesIO(BODY)])
def test_a_body_that_is_not_the_raw_one_is_refused(body: Any):
    with pytest.raises(runhook.SignatureError, match="not the raw body"):
        runhook.verify(body, signed(SECRET), SECRET)


def as_message(headers: Mapping[str, str]) -> Message:
    message = Message()
    for name, value in headers.items():
        message[name] = value
    return message


def as_wsgi(headers: Mapping[str, str]) -> dict[str, Any]:
    names = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}
    return {"wsgi.input": io.BytesIO(), "wsgi.version": (1, 0), "REQUEST_METHOD": "POST", **names}


class Twisted:
    """As its `Headers` are read."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def getAllRawHeaders(self) -> Iterator[tuple[bytes, list[bytes]]]:  # noqa: N802 - its name
        for name, value in self._headers.items():
            yield name.encode(), [value.encode()]


SHAPES: Mapping[str, Callable[[Mapping[str, str]], Any]] = {
    "a dictionary": dict,
    "pairs": lambda headers: list(headers.items()),
    "pairs that can be read once": lambda headers: iter(headers.items()),
    "ASGI": lambda headers: [(k.lower().encode(), v.encode()) for k, v in headers.items()],
    "lists of values": lambda headers: {name: [value] for name, value in headers.items()},
    "WSGI": as_wsgi,
    "http.server": as_message,
    "aiohttp": CIMultiDict,
    "aiohttp's on the server": lambda headers: CIMultiDictProxy(CIMultiDict(headers)),
    "CloudFront": lambda headers: {
        name.lower(): [{"key": name, "value": value}] for name, value in headers.items()
    },
    "Twisted": Twisted,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_reads_headers_in_whatever_shape_a_framework_hands_them_over(shape: str):
    in_shape = SHAPES[shape]

    assert runhook.verify(BODY, in_shape(signed(SECRET)), SECRET) == PAYLOAD
    assert runhook.verify(BODY, in_shape(signed_by_dbt_cloud()), DBT_CLOUD_SECRET) == PAYLOAD
    with pytest.raises(runhook.SignatureError):
        runhook.verify(BODY, in_shape(signed(OLD_SECRET)), SECRET)


@pytest.mark.parametrize("between", [" ", ",", ", "])
def test_signatures_of_both_secrets_are_read_however_they_are_joined(between: str):
    headers = signed(OLD_SECRET, SECRET)
    one, other = headers.pop("webhook-signature").split()

    joined = {**headers, "webhook-signature": f"{one}{between}{other}"}
    twice = [*headers.items(), ("webhook-signature", one), ("Webhook-Signature", other)]

    for given_so in (joined, twice):
        for secret in (OLD_SECRET, SECRET):
            assert runhook.verify(BODY, given_so, secret) == PAYLOAD  # type: ignore[arg-type] # as frameworks do


@pytest.mark.parametrize(
    "headers",
    [
        None,
        7,
        "webhook-id: wev_1",
        [7],
        [("webhook-id",)],
        {"webhook-id": None},
        {"webhook-id": 7},
        {"webhook-id": [["wev_1", None]]},
        {"webhook-signature": "v1, " * 5_000},
        {"webhook-signature": ["v1,AAAA"] * 5_000},
        {"Authorization": "0" * 1_000_000},
        {"webhook-id": "wev_1", "WEBHOOK_ID": "wev_2"},
        {7: "x", b"\xff": b"\xff"},
    ],
)
@pytest.mark.parametrize("secret", [SECRET, DBT_CLOUD_SECRET])
def test_headers_of_any_other_shape_are_refused_and_no_more(headers: Any, secret: str):
    with pytest.raises(runhook.SignatureError):
        runhook.verify(BODY, headers, secret)


@pytest.mark.parametrize("tolerance", [600, 600.0, timedelta(minutes=10), None, float("inf")])
def test_the_receiver_says_how_old_a_delivery_may_be(tolerance: Any):
    headers = signed(SECRET, at=datetime.now(UTC) - timedelta(minutes=8))

    assert runhook.verify(BODY, headers, SECRET, tolerance=tolerance) == PAYLOAD
    with pytest.raises(runhook.SignatureError, match="more than 90 seconds off"):
        runhook.verify(BODY, headers, SECRET, tolerance=90)


@pytest.mark.parametrize("tolerance", [-1, timedelta(seconds=-1), float("nan"), float("-inf")])
def test_a_tolerance_that_is_none_is_refused(tolerance: Any):
    with pytest.raises(ValueError, match="tolerance is not"):
        runhook.verify(BODY, signed(SECRET), SECRET, tolerance=tolerance)


@given(position=st.integers(0, len(BODY) - 1), flip=st.integers(1, 255))
def test_refuses_a_body_with_any_byte_flipped(position: int, flip: int):
    damaged = bytearray(BODY)
    damaged[position] ^= flip

    for headers, secret in (
        (signed(SECRET), SECRET),
        (signed_by_dbt_cloud(), DBT_CLOUD_SECRET),
    ):
        with pytest.raises(runhook.SignatureError):
            runhook.verify(bytes(damaged), headers, secret)


@given(name=st.sampled_from(sorted(signed(SECRET))), value=st.text())
def test_any_header_of_a_stranger_is_refused_and_no_more(name: str, value: str):
    """A receiver that crashes on a bad request can be stopped by anyone."""
    headers = signed(SECRET)
    headers[name] = value

    if name == "Authorization":
        assert runhook.verify(BODY, headers, SECRET) == PAYLOAD
    else:
        with pytest.raises(runhook.SignatureError):
            runhook.verify(BODY, headers, SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-id": "\udc80"},
        {"webhook-signature": "v1,\udc80"},
    ],
)
def test_headers_that_no_sender_writes_are_refused(headers: Mapping[str, str]):
    with pytest.raises(runhook.SignatureError):
        runhook.verify(BODY, {**signed(SECRET), **headers}, SECRET)
    with pytest.raises(runhook.SignatureError):
        runhook.verify(BODY, {"authorization": "\udc80"}, DBT_CLOUD_SECRET)


@pytest.mark.parametrize("body", [b"", b"not JSON", b"\xff", b"[" * 100_000, b"[]", b'"text"'])
def test_a_signed_body_that_is_no_payload_is_refused(body: bytes):
    with pytest.raises(runhook.SignatureError, match="the signature is right, but"):
        runhook.verify(body, signed(SECRET, body=body), SECRET)


def test_the_package_offers_nothing_else():
    assert sorted(runhook.__all__) == ["Run", "SignatureError", "__version__", "run", "verify"]
    with pytest.raises(AttributeError, match="no attribute 'sign'"):
        runhook.sign  # noqa: B018 - the access is the test
