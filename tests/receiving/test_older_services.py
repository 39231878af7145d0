"""A consumer of a service whose version does not number readers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from runhook.client.consuming.consumer import RemoteConsumer
from runhook.client.reporting.service import Service

MINE = "/api/v3/accounts/1/consumers/mine"
WAITING = {
    "id": "wev_1",
    "event_type": "job.run.errored",
    "is_test": False,
    "headers": {"webhook-id": "wev_1"},
    "body": "{}",
}


class OlderService(ThreadingHTTPServer):
    """Has one consumer, with one event."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.acknowledged: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    """What the version before answers."""

    server: OlderService

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == f"{MINE}/events" and "reader" not in query:
            self.answer(200, [WAITING])
        else:
            self.answer(404, None)

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if self.path != f"{MINE}/acknowledge":
            self.answer(404, None)
        elif sent.keys() != {"ids"}:
            self.answer(400, None)
        else:
            self.server.acknowledged += sent["ids"]
            self.answer(200, {"acknowledged": len(sent["ids"])})

    def answer(self, status: int, data: object) -> None:
        said = {"code": status, "user_message": "Not found." if status == 404 else ""}
        content = json.dumps({"data": data, "status": said, "extra": {}}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def an_older_service() -> Iterator[OlderService]:
    with OlderService() as service:
        serving = threading.Thread(target=service.serve_forever)
        serving.start()
        yield service
        service.shutdown()
        serving.join()


def consumer_of(service: OlderService, name: str) -> RemoteConsumer:
    asked = Service(url=service.url, token="rh_x", account_id="1", environ={})
    return RemoteConsumer(asked, name)


def test_a_consumer_that_is_there_is_read_without_a_number():
    with an_older_service() as service:
        consumer = consumer_of(service, "mine").taken_over()
        assert consumer is not None
        (event,) = consumer.read().events
        consumer.acknowledge([event.id])

    assert service.acknowledged == ["wev_1"]


def test_a_consumer_that_is_not_there_is_none():
    with an_older_service() as service:
        assert consumer_of(service, "other").taken_over() is None
