"""A small receiver for trying webhooks: prints deliveries, verifies them, and responds."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, TextIO

from runhook.domain.webhooks.signature import (
    SECRET_PREFIX,
    Secret,
    SignatureError,
    check_authorization,
    check_standard,
)

LARGEST_BODY = 2 << 20
NOT_CHECKED = "not checked"
WITHOUT_BODY = {204, 304}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the receiver answers."""

    status: int = 200
    fail_first: int | None = None
    """Answer ``status`` to this many requests and 200 afterwards; None: always ``status``."""
    delay: float = 0
    """Seconds to wait before each answer."""

    def answer_to(self, position: int) -> int:
        """Status for the request at ``position``, counted from 0."""
        if self.fail_first is None or position < self.fail_first:
            return self.status
        return 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedDelivery:
    """One request that arrived, and what was found."""

    headers: Mapping[str, str]
    raw: bytes
    authorization: str
    standard: str
    answered: int

    @property
    def text(self) -> str:
        """The body as text."""
        return self.raw.decode(errors="replace")

    @property
    def body(self) -> Any:
        """The parsed body; None if it is not JSON."""
        try:
            return json.loads(self.raw)
        except (ValueError, RecursionError):
            return None


class Receiver(ThreadingHTTPServer):
    """Listens, prints and answers until it is shut down."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        *,
        secret: str | None,
        behaviour: Behaviour,
        show: Callable[[ReceivedDelivery], str],
        output: TextIO,
    ) -> None:
        """Bind ``address``; port 0 takes any free one.

        Raises:
            OSError: the address cannot be bound.
        """
        self._secret = secret
        self._behaviour = behaviour
        self._show = show
        self._output = output
        self._lock = threading.Lock()
        self._received = 0
        self._is_closing = threading.Event()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without the reverse look-up of http.server, which takes seconds without DNS."""
        TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    @property
    def url(self) -> str:
        """Where deliveries can be sent."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Check and print one delivery, and return the status to answer with."""
        lower = in_lower_case(headers)
        with self._lock:
            answered = self._behaviour.answer_to(self._received)
            self._received += 1
            delivery = ReceivedDelivery(
                headers=headers,
                raw=body,
                authorization=check_by(check_authorization, self._secret, lower, body),
                standard=check_by(check_standard_now, standard(self._secret), lower, body),
                answered=answered,
            )
            print(self._show(delivery), file=self._output, flush=True)
        self._is_closing.wait(self._behaviour.delay)
        return answered

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of senders that hang up."""

    def server_close(self) -> None:
        """Stop listening, and let no delayed answer wait."""
        self._is_closing.set()
        super().server_close()


class Handler(BaseHTTPRequestHandler):
    """Reads one request with a bounded body."""

    server: Receiver
    protocol_version = "HTTP/1.1"
    timeout = 30
    """Seconds that a connection may be silent."""

    def do_POST(self) -> None:
        """Take a delivery."""
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,15}", length):
            self._answer(411)
        elif int(length) > LARGEST_BODY:
            self._answer(413)
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                self._answer(self.server.take(dict(self.headers.items()), body))

    def _answer(self, status: int) -> None:
        content = b"" if status in WITHOUT_BODY else json.dumps({"answered": status}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status not in WITHOUT_BODY:
            self.send_header("Content-Length", str(len(content)))
        if status in {411, 413}:
            # The rest of the body would be taken for the next request.
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Print no access log; deliveries are printed whole."""


def standard(secret: str | None) -> str | None:
    """The secret if it can sign Standard Webhooks headers; dbt Cloud's own cannot."""
    return secret if secret is not None and secret.startswith(SECRET_PREFIX) else None


def check_standard_now(secret: Secret, headers: Mapping[str, str], body: bytes) -> None:
    """Check the Standard Webhooks signature against this machine's clock."""
    check_standard(secret, headers, body, now=datetime.now(UTC))


def check_by(
    check: Callable[[Secret, Mapping[str, str], bytes], None],
    secret: str | None,
    headers: Mapping[str, str],
    body: bytes,
) -> str:
    """Result of ``check``, in words."""
    if secret is None:
        return NOT_CHECKED
    try:
        check(Secret(secret), headers, body)
    except SignatureError as error:
        return f"invalid: {error}"
    return "valid"


def in_lower_case(headers: Mapping[str, str]) -> dict[str, str]:
    """Lower the names of ``headers``, as checks expect them."""
    return {name.lower(): value for name, value in headers.items()}


def as_json_line(delivery: ReceivedDelivery) -> str:
    """Show a delivery to a program."""
    return json.dumps(
        {
            "headers": dict(delivery.headers),
            "body": delivery.body,
            "raw": delivery.text,
            "authorization": delivery.authorization,
            "standard": delivery.standard,
            "answered": delivery.answered,
        }
    )


def delivery_as_text(delivery: ReceivedDelivery) -> str:
    """Show a delivery to a person: what it is about, whether it is genuine, and its payload."""
    body = delivery.body
    payload = body if isinstance(body, dict) else {}
    data = payload.get("data")
    run = data if isinstance(data, dict) else {}
    event_type = either(payload, "event_type", "eventType") or "unknown event"
    delivery_id = in_lower_case(delivery.headers).get("webhook-id") or either(
        payload, "event_id", "eventId"
    )
    job = " ".join(filter(None, [either(run, "job_name", "jobName"), job_id(run)]))
    status = either(run, "run_status", "runStatus")
    lines = [
        f"{event_type}  {delivery_id or '(no id)'}",
        f"  job                {job or '-'}",
        f"  run                {either(run, 'run_id', 'runId') or '-'}",
        f"  status             {status or '-'}",
        f"  Authorization      {delivery.authorization}",
        f"  Standard Webhooks  {delivery.standard}",
        f"  answered           {delivery.answered}",
    ]
    shown = delivery.text if body is None else json.dumps(body, indent=2, ensure_ascii=False)
    return "\n".join(
        [
            *map(replace_control_characters, lines),
            *map(replace_control_characters, shown.splitlines()),
            "",
        ]
    )


def either(mapping: Mapping[str, Any], seed_key: str, today_key: str) -> str:
    """A value of payload version 2022-05 or 2023-02, which spell their keys differently."""
    value = mapping.get(seed_key, mapping.get(today_key))
    return "" if value is None else str(value)


def job_id(run: Mapping[str, Any]) -> str:
    """The job's id in brackets."""
    number = either(run, "job_id", "jobId")
    return number and f"({number})"


def replace_control_characters(text: str) -> str:
    """Replace what a terminal would interpret."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
