"""Both signatures, checked by ourselves, by the published vector and by other people's code."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.webhooks.signature import (
    TOLERANCE,
    Secret,
    SecretError,
    SignatureError,
    authorization_signature,
    check_authorization,
    check_signing_secret,
    check_standard,
    hint_at_secret,
    sign,
    standard_signature,
)

NOW = datetime(2024, 2, 29, 12, 0, 0, 900_000, tzinfo=UTC)
MESSAGE_ID = "wev_2PK5yEfjdZ7MJ78tUwedcI8TVWt"
BODY = '{"event_type":"job.run.completed","data":{"job_name":"Größe"}}'.encode()
SECRET = Secret.from_bytes(bytes(range(32)))
OLD_SECRET = Secret.from_bytes(bytes(range(32, 64)))
SAMPLE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The secret of the vector that Standard Webhooks publishes."""

secrets = st.binary(min_size=32, max_size=32).map(Secret.from_bytes)
flips = st.integers(1, 255)


def signed(
    *secrets: Secret, at: datetime = NOW, body: bytes = BODY, message_id: str = MESSAGE_ID
) -> dict[str, str]:
    return sign(secrets or (SECRET,), message_id=message_id, timestamp=at, body=body)


def received(headers: dict[str, str]) -> dict[str, str]:
    """The headers with their names in lower case, as the checks ask for."""
    return {name.lower(): text for name, text in headers.items()}


def flip(content: bytes, position: int, mask: int) -> bytes:
    position %= len(content)
    return content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :]


def authorization_verifies(secret: Secret, headers: dict[str, str], body: bytes) -> bool:
    try:
        check_authorization(secret, received(headers), body)
    except SignatureError:
        return False
    return True


def standard_verifies(
    secret: Secret, headers: dict[str, str], body: bytes, now: datetime = NOW
) -> bool:
    try:
        check_standard(secret, received(headers), body, now=now)
    except SignatureError:
        return False
    return True


def test_standard_webhooks_published_vector_comes_out():
    signature = standard_signature(
        Secret(SAMPLE),
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        seconds="1614265330",
        body=b'{"test": 2432232314}',
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_standard_webhooks_published_vector_verifies():
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    at = datetime.fromtimestamp(1614265330, UTC)

    assert standard_verifies(Secret(SAMPLE), headers, b'{"test": 2432232314}', now=at)


@given(secret=secrets, body=st.text().map(str.encode))
def test_the_published_package_verifies_ours_and_nothing_else(secret, body):
    webhook = standardwebhooks.Webhook(secret.reveal())
    headers = signed(secret, at=datetime.now(UTC), body=body)

    webhook.verify(body, headers, json_parse=False)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        webhook.verify(body + b" ", headers, json_parse=False)


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_the_published_package_verifies_with_either_secret_while_rotating(secret):
    headers = signed(SECRET, OLD_SECRET, at=datetime.now(UTC))

    payload = standardwebhooks.Webhook(secret.reveal()).verify(BODY, headers)

    assert payload["event_type"] == "job.run.completed"


def test_ours_verifies_what_the_published_package_signed():
    body = BODY.decode()
    headers = {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(SECRET.reveal()).sign(MESSAGE_ID, NOW, body),
    }

    assert standard_verifies(SECRET, headers, BODY)


@given(secret=secrets, body=st.binary())
def test_dbts_documented_snippet_verifies_ours(secret, body):
    # As on dbt Cloud's page: the secret's text is the key, the raw body the message.
    app_secret = secret.reveal().encode("utf-8")
    signature = hmac.new(app_secret, body, hashlib.sha256).hexdigest()

    assert signed(secret, body=body)["Authorization"] == signature


def test_authorization_is_bare_lowercase_hex():
    signature = signed()["Authorization"]

    assert len(signature) == 64
    assert set(signature) <= set("0123456789abcdef")


def test_four_headers_prove_a_delivery():
    assert signed() == {
        "Authorization": authorization_signature(SECRET, BODY),
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": "1709208000",
        "webhook-signature": standard_signature(
            SECRET, message_id=MESSAGE_ID, seconds="1709208000", body=BODY
        ),
    }


def test_a_retry_keeps_id_and_authorization_and_renews_the_timestamp():
    first, retry = signed(), signed(at=NOW + timedelta(minutes=10))

    assert {name for name in first if first[name] != retry[name]} == {
        "webhook-timestamp",
        "webhook-signature",
    }


@given(secret=secrets, body=st.binary(min_size=1), position=st.integers(0), mask=flips)
def test_any_flipped_byte_of_the_body_breaks_both_signatures(secret, body, position, mask):
    headers = signed(secret, body=body)
    flipped = flip(body, position, mask)

    assert authorization_verifies(secret, headers, body)
    assert standard_verifies(secret, headers, body)
    assert not authorization_verifies(secret, headers, flipped)
    assert not standard_verifies(secret, headers, flipped)


@given(key=st.binary(min_size=32, max_size=32), position=st.integers(0), mask=flips)
def test_any_flipped_byte_of_the_secret_breaks_both_signatures(key, position, mask):
    headers = signed(Secret.from_bytes(key))
    other = Secret.from_bytes(flip(key, position, mask))

    assert not authorization_verifies(other, headers, BODY)
    assert not standard_verifies(other, headers, BODY)


@given(position=st.integers(0), mask=st.integers(1, 127))
def test_any_flipped_character_of_the_authorization_breaks_it(position, mask):
    headers = signed()
    headers["Authorization"] = flip(headers["Authorization"].encode(), position, mask).decode()

    assert not authorization_verifies(SECRET, headers, BODY)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@given(position=st.integers(0), mask=st.integers(1, 127))
def test_any_flipped_character_of_a_standard_header_breaks_it(name, position, mask):
    headers = signed()
    headers[name] = flip(headers[name].encode(), position, mask).decode()

    assert not standard_verifies(SECRET, headers, BODY)


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_both_secrets_verify_while_rotating(secret):
    assert standard_verifies(secret, signed(SECRET, OLD_SECRET), BODY)


def test_while_rotating_authorization_uses_the_new_secret():
    headers = signed(SECRET, OLD_SECRET)

    assert authorization_verifies(SECRET, headers, BODY)
    assert not authorization_verifies(OLD_SECRET, headers, BODY)


def test_after_the_grace_the_old_secret_no_longer_verifies():
    headers = signed(SECRET)

    assert standard_verifies(SECRET, headers, BODY)
    assert not standard_verifies(OLD_SECRET, headers, BODY)


def test_signatures_of_versions_we_do_not_know_are_passed_over():
    headers = signed()
    ours = headers["webhook-signature"]

    assert standard_verifies(SECRET, {**headers, "webhook-signature": f"v1a,abc= {ours}"}, BODY)
    assert not standard_verifies(
        SECRET, {**headers, "webhook-signature": ours.replace("v1,", "v2,")}, BODY
    )


@pytest.mark.parametrize("given_signature", ["", "v1,", "v1", ",", "é", "\udcff", "x" * 10_000])
def test_a_senseless_signature_does_not_verify(given_signature):
    headers = {**signed(), "webhook-signature": given_signature}

    assert not standard_verifies(SECRET, headers, BODY)


@pytest.mark.parametrize("form", ["sha256={}", "Bearer {}", "{}0", " {}", "é", "\udcff"])
def test_authorization_with_anything_around_it_does_not_verify(form):
    headers = signed()
    headers["Authorization"] = form.format(headers["Authorization"])

    assert not authorization_verifies(SECRET, headers, BODY)


def test_a_missing_authorization_does_not_verify():
    with pytest.raises(SignatureError, match="Authorization header does not match"):
        check_authorization(SECRET, {}, BODY)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_standard_header_is_named(name):
    headers = signed()
    del headers[name]

    with pytest.raises(SignatureError, match=f"the {name} header is missing"):
        check_standard(SECRET, headers, BODY, now=NOW)


@pytest.mark.parametrize(
    "seconds",
    [
        "",
        "now",
        "-1709208000",
        "1709208000.5",
        "1_709",
        "\u0661\u0667",
        "²",
        "9" * 400,
        "9" * 5_000,
    ],
    ids=lambda seconds: ascii(seconds[:20]),
)
def test_a_timestamp_that_is_not_whole_seconds_does_not_verify(seconds):
    headers = {**signed(), "webhook-timestamp": seconds}

    with pytest.raises(SignatureError, match="webhook-timestamp header is not a number"):
        check_standard(SECRET, headers, BODY, now=NOW)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_delivery_verifies_within_five_minutes_of_the_receivers_clock_and_not_beyond(direction):
    at = NOW.replace(microsecond=0)
    headers = signed(at=at)
    nearest_too_far = TOLERANCE + timedelta(seconds=1)

    assert timedelta(minutes=5) == TOLERANCE
    assert standard_verifies(SECRET, headers, BODY, now=at + direction * TOLERANCE)
    assert not standard_verifies(SECRET, headers, BODY, now=at + direction * nearest_too_far)


@given(key=st.binary(min_size=32, max_size=32))
def test_a_secret_is_whsec_and_base64_and_gives_each_signature_its_key(key):
    secret = Secret.from_bytes(key)

    assert secret.reveal().startswith("whsec_")
    assert len(secret.reveal()) == len("whsec_") + 44
    assert secret.authorization_key() == secret.reveal().encode()
    assert secret.standard_key() == key


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_new_secret_is_made_of_32_bytes(size):
    with pytest.raises(ValueError, match=f"32 bytes, not {size}"):
        Secret.from_bytes(bytes(size))


@pytest.mark.parametrize("text", ["whsec_!", "whsec_abc", "dbt secret", "whsec_é"])
def test_a_secret_of_another_form_still_serves_authorization_only(text):
    secret = Secret(text)

    assert secret.authorization_key() == text.encode()
    with pytest.raises(SignatureError, match=r"^the secret is not `whsec_` and base64$"):
        secret.standard_key()


@given(secret=secrets)
def test_a_secret_is_hidden_wherever_it_might_be_printed(secret):
    encoded = secret.reveal().removeprefix("whsec_")
    printed = [repr(secret), str(secret), f"{secret}", f"{secret!r}", repr([secret])]

    assert not any(encoded in text for text in printed)


def test_secrets_are_equal_when_their_texts_are():
    assert Secret(SECRET.reveal()) == SECRET
    assert len({Secret(SECRET.reveal()), SECRET, OLD_SECRET}) == 2
    assert SECRET != OLD_SECRET
    assert SECRET.reveal() != SECRET


@pytest.mark.parametrize(
    ("tolerance", "words"),
    [
        (TOLERANCE, "5 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=90), "90 seconds"),
    ],
)
def test_a_timestamp_that_is_off_is_refused_with_the_tolerance_in_words(tolerance, words):
    late = NOW + timedelta(hours=1)

    with pytest.raises(SignatureError, match=f"^the webhook-timestamp header .* {words} off$"):
        check_standard(SECRET, signed(), BODY, now=late, tolerance=tolerance)


COPIED = SECRET.reveal()
UNCOPIED = "the secret is not as it was shown: "


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        (None, "the secret is not set: it is None; is its variable set?"),
        (7, "the secret is not a text but int"),
        ("", "the secret is empty; is its variable set?"),
        (b" whsec_ ", "the secret is empty; is its variable set?"),
        (f"'{COPIED}", f"{UNCOPIED}it has quotation marks around it"),
        (f'{COPIED}"', f"{UNCOPIED}it has quotation marks around it"),
        (
            f"{COPIED}é",
            (
                f"{UNCOPIED}it has characters that no secret has; was its file read in another "
                "encoding?"
            ),
        ),
        (f"{COPIED} {COPIED}", f"{UNCOPIED}it has white space in it"),
        (COPIED.replace("_", "-", 1), f"{UNCOPIED}it should begin with `whsec_`"),
        (f"{COPIED}=", f"{UNCOPIED}it is not `whsec_` and base64; is it complete?"),
    ],
)
def test_what_is_wrong_with_a_receivers_secret_is_said_without_it(secret, sentence):
    with pytest.raises(SecretError) as refused:
        check_signing_secret(secret)

    assert str(refused.value) == sentence


@pytest.mark.parametrize("secret", [COPIED, "a secret of dbt Cloud's", 'wit"h', "xwhsec_"])
def test_a_secret_of_ours_and_any_other_text_can_be_one(secret):
    assert check_signing_secret(f" {secret}\n") == secret
    assert check_signing_secret(secret.encode()) == secret


@pytest.mark.parametrize(
    ("secret", "hint"),
    [
        (COPIED, ""),
        (COPIED.removeprefix("whsec_"), "; was `whsec_` left out?"),
        (COPIED.removeprefix("whsec_")[:20], ""),
        (COPIED[:26], "; is the secret complete?"),
        ("of dbt Cloud", ""),
    ],
)
def test_a_secret_that_does_not_match_is_hinted_at(secret, hint):
    assert hint_at_secret(Secret(secret)) == hint


def test_a_header_that_is_missing_does_not_match():
    with pytest.raises(SignatureError, match=r"^the Authorization header does not match"):
        check_authorization(SECRET, {}, BODY)
    with pytest.raises(SignatureError, match=r"^the X-Runhook-Signature header does not match"):
        check_authorization(SECRET, {}, BODY, header="x-runhook-signature")


def test_a_timestamp_has_up_to_12_digits():
    signature = standard_signature(SECRET, message_id="m", seconds="000000000007", body=BODY)
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": "000000000007",
        "webhook-signature": signature,
    }

    check_standard(SECRET, headers, BODY, now=NOW, tolerance=None)
    with pytest.raises(SignatureError, match=r"not a number of seconds"):
        check_standard(
            SECRET, {**headers, "webhook-timestamp": "0" * 13}, BODY, now=NOW, tolerance=None
        )


def test_what_does_not_match_is_refused_in_words():
    senseless = {**signed(), "webhook-timestamp": "now"}

    with pytest.raises(SignatureError, match=r"^no webhook-signature matches the body and the sec"):
        check_standard(OLD_SECRET, signed(), BODY, now=NOW)
    with pytest.raises(SignatureError, match=r"^the webhook-timestamp header is not a number of"):
        check_standard(SECRET, senseless, BODY, now=NOW)


def test_a_secret_tells_its_kind_only():
    assert repr(SECRET) == "Secret('whsec_...')"
