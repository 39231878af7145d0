"""`runhook listen`: what it prints and how it answers."""

import base64
import json
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from runhook.domain.webhooks.signature import Secret, sign
from tests.receiving.support import listening
from tests.support.patience import PATIENCE

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
SEED_BODY = json.dumps(
    {
        "account_id": 1,
        "event_id": "wev_body",
        "event_type": "job.run.completed",
        "data": {"job_id": "7", "job_name": "nightly", "run_id": "42", "run_status": "complete"},
    }
).encode()
TODAYS_BODY = json.dumps(
    {
        "accountId": 1,
        "eventId": "wev_body",
        "eventType": "job.run.errored",
        "data": {"jobId": "7", "jobName": "nightly", "runId": "42", "runStatus": "Errored"},
    }
).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return sign([Secret(secret)], message_id="wev_1", timestamp=datetime.now(UTC), body=body)


def test_prints_a_delivery_for_people():
    with listening("--secret", SECRET) as listener:
        assert listener.send(SEED_BODY, signed(SEED_BODY)) == 200
        lines = [listener.line() for _ in range(9)]

    assert lines == [
        "job.run.completed  wev_1",
        "  job                nightly (7)",
        "  run                42",
        "  status             complete",
        "  Authorization      valid",
        "  Standard Webhooks  valid",
        "  answered           200",
        "{",
        '  "account_id": 1,',
    ]


def test_reads_todays_payloads_and_takes_the_id_from_them_if_need_be():
    with listening() as listener:
        listener.send(TODAYS_BODY)
        lines = [listener.line() for _ in range(6)]

    assert lines == [
        "job.run.errored  wev_body",
        "  job                nightly (7)",
        "  run                42",
        "  status             Errored",
        "  Authorization      not checked",
        "  Standard Webhooks  not checked",
    ]


def test_prints_one_object_a_line_for_programs():
    with listening("--json", RUNHOOK_WEBHOOK_SECRET=SECRET) as listener:
        listener.send(SEED_BODY, signed(SEED_BODY))
        delivery = listener.delivery()

    assert delivery["headers"]["webhook-id"] == "wev_1"
    assert delivery["body"] == json.loads(SEED_BODY)
    assert delivery["raw"] == SEED_BODY.decode()
    assert delivery["authorization"] == "valid"
    assert delivery["standard"] == "valid"
    assert delivery["answered"] == 200


def test_tells_which_signature_is_wrong():
    headers = signed(SEED_BODY)
    with listening("--json", "--secret", SECRET) as listener:
        listener.send(SEED_BODY, {**headers, "Authorization": "0" * 64})
        listener.send(SEED_BODY, {**headers, "webhook-signature": "v1,AAAA"})
        listener.send(SEED_BODY)
        first, second, third = (listener.delivery() for _ in range(3))

    assert first["authorization"].startswith("invalid: the Authorization header does not match")
    assert first["standard"] == "valid"
    assert second["authorization"] == "valid"
    assert second["standard"].startswith("invalid: no webhook-signature matches")
    assert third["authorization"].startswith("invalid: ")
    assert third["standard"] == "invalid: the webhook-id header is missing"


def test_a_secret_of_dbt_clouds_checks_authorization_only():
    digest = signed(SEED_BODY, SECRET)["Authorization"]
    with listening("--json", "--secret", "dbt's own") as listener:
        listener.send(SEED_BODY, {"Authorization": digest})
        delivery = listener.delivery()

    assert delivery["authorization"].startswith("invalid: ")
    assert delivery["standard"] == "not checked"


def test_answers_badly_as_long_as_it_is_told_to():
    with listening("--json", "--status", "503") as always:
        assert [always.send(b"{}") for _ in range(3)] == [503, 503, 503]
        assert always.delivery()["answered"] == 503


def test_recovers_after_the_first_requests():
    with listening("--json", "--status", "503", "--fail-first", "2") as listener:
        assert [listener.send(b"{}") for _ in range(4)] == [503, 503, 200, 200]
        assert [listener.delivery()["answered"] for _ in range(4)] == [503, 503, 200, 200]


def test_failing_first_means_500_unless_told_otherwise():
    with listening("--fail-first", "1") as listener:
        assert [listener.send(b"{}") for _ in range(2)] == [500, 200]


def test_answers_without_a_body_where_there_must_be_none():
    with listening("--status", "204") as listener:
        assert [listener.send(b"{}") for _ in range(2)] == [204, 204]


def test_answers_late_when_told_to():
    with listening("--json", "--delay", "1000") as listener:
        with socket.create_connection(("127.0.0.1", listener.port)) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            assert listener.delivery()["body"] == {}
            connection.settimeout(0)
            with pytest.raises(BlockingIOError):
                connection.recv(1)
        listener.process.send_signal(signal.SIGTERM)
        assert listener.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: two\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2097153\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n{}",
    ],
)
def test_survives_a_bad_request(request_bytes: bytes):
    with listening("--json") as listener:
        with socket.create_connection(("127.0.0.1", listener.port)) as connection:
            connection.sendall(request_bytes)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)
        assert listener.send(b"{}") == 200
        assert listener.delivery()["body"] == {}


@pytest.mark.parametrize(
    "body", [b"", b"not JSON", b"\xff\xfe", b"[1]", b"[" * 5_000, b'{"data": 3}']
)
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_prints_what_is_no_payload(flags: list[str], body: bytes):
    with listening("--secret", SECRET, *flags) as listener:
        assert listener.send(body, signed(body)) == 200
        assert listener.send(b"{}") == 200


def test_a_stranger_cannot_write_to_the_terminal():
    body = json.dumps({"event_type": "\x1b[2J", "data": {"job_name": "\x9b31m"}}).encode()
    with listening() as listener:
        listener.send(body)
        lines = [listener.line() for _ in range(2)]

    assert lines == [
        "\N{REPLACEMENT CHARACTER}[2J  (no id)",
        "  job                \N{REPLACEMENT CHARACTER}31m",
    ]


def test_prints_in_a_terminal_that_knows_ascii_only():
    body = json.dumps({"event_type": "K\xf6ln"}).encode()
    with listening(PYTHONIOENCODING="ascii") as listener:
        assert listener.send(body) == 200
        assert listener.line() == "K\\xf6ln  (no id)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_well_when_asked_to(number: signal.Signals):
    with listening() as listener:
        listener.process.send_signal(number)
        assert listener.process.wait(PATIENCE) == 0
        assert listener.process.stderr is not None
        assert listener.process.stderr.read() == ""


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--status", "99"], 2, "from 200 to 599"),
        (["--fail-first", "-1"], 2, "0 or more"),
        (["--port", "99999"], 1, "99999: there is no such port"),
        (["--host", "192.0.2.1"], 1, "192.0.2.1:8581: "),
    ],
)
def test_says_what_it_cannot_do(flags: list[str], code: int, message: str):
    ended = subprocess.run(
        [sys.executable, "-m", "runhook.cli.main", "listen", *flags],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert ended.returncode == code
    assert message in ended.stderr
