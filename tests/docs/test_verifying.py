"""The snippets for receivers verify what Runhook signs, and refuse what it did not."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import WebhookVerificationError

from runhook.domain.webhooks.signature import Secret, sign
from tests.docs.documents import REPOSITORY, block_with

RECEIVING = REPOSITORY / "docs" / "receiving.md"
SECRET = Secret.from_bytes(bytes(range(32))).reveal()
BODY = b'{"account_id":1,"event_type":"job.run.completed"}'
TAMPERED = BODY.replace(b"completed", b"started")


def headers_of(body, at=None):
    return sign([Secret(SECRET)], message_id="wev_1", timestamp=at or datetime.now(UTC), body=body)


def run_snippet(words, **names):
    """Run the Python snippet that has ``words`` in it, and return the names it knows then."""
    known = {"SECRET": SECRET, **names}
    exec(block_with(RECEIVING.read_text(), "python", words), known)
    return known


def test_the_snippet_is_eight_lines_of_code():
    snippet = block_with(RECEIVING.read_text(), "python", "runhook.verify")

    assert len([line for line in snippet.splitlines() if line.strip()]) <= 8


def test_the_snippet_takes_what_we_signed():
    receive = run_snippet("runhook.verify")["receive"]

    assert receive(BODY, headers_of(BODY)) == 204


def test_the_snippet_refuses_a_tampered_body():
    receive = run_snippet("runhook.verify")["receive"]

    assert receive(TAMPERED, headers_of(BODY)) == 401


def test_the_snippet_refuses_what_was_signed_more_than_five_minutes_ago():
    receive = run_snippet("runhook.verify")["receive"]
    long_ago = datetime.now(UTC) - timedelta(minutes=5, seconds=2)

    assert receive(BODY, headers_of(BODY, at=long_ago)) == 401


def test_the_standard_webhooks_snippet_takes_what_we_signed():
    known = run_snippet("standardwebhooks", body=BODY, headers=headers_of(BODY))

    assert known["payload"] == {"account_id": 1, "event_type": "job.run.completed"}


def test_the_standard_webhooks_snippet_refuses_a_tampered_body():
    with pytest.raises(WebhookVerificationError):
        run_snippet("standardwebhooks", body=TAMPERED, headers=headers_of(BODY))


@pytest.mark.parametrize(("body", "is_genuine"), [(BODY, True), (TAMPERED, False)])
def test_the_authorization_snippet_tells_a_genuine_body_from_another(body, is_genuine):
    known = run_snippet("hashlib", body=body, headers=headers_of(BODY))

    assert known["is_genuine"] is is_genuine
