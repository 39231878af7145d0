"""Whatever is wrong with the service, dbt does not notice, and one line says so."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runhook.client.reporting.service import Service, UnusableError
from tests.wrapping.support import Answer, StubService, Wrapper, a_service, a_wrapper, refused


def assert_unnoticed(wrapper: Wrapper, explanation: str) -> None:
    """A failing dbt looks as it does alone, but for one line of ours at the end."""
    ended = wrapper.run("dbt", "fail")

    assert ended.returncode == 1
    assert ended.stdout == b"stub dbt: fail\n"
    first, *rest = ended.stderr.decode().splitlines()
    assert first == "to stderr"
    assert len(rest) == 1
    assert rest[0].startswith("runhook: this run was not reported")
    assert explanation in rest[0]
    assert "a-token" not in rest[0]


@contextmanager
def a_server_that(treat: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accept connections, give each to ``treat``, and close them all at the end."""
    connections: list[socket.socket] = []

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
                connections.append(connection)
                treat(connection)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in connections:
        connection.close()


def hang(_connection: socket.socket) -> None:
    pass


def hang_up(connection: socket.socket) -> None:
    connection.close()


def talk_nonsense(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"\x00\xffSSH-2.0-OpenSSH_9.6\r\n\r\n")
    connection.close()


def trickle(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n{")


@pytest.mark.parametrize(
    ("treat", "explanation"),
    [
        (hang, "no answer in time"),
        (trickle, "no answer in time"),
        (talk_nonsense, "the answer is not Runhook's"),
        (hang_up, ""),
    ],
)
def test_a_broken_server(tmp_path: Path, treat: Callable[[socket.socket], None], explanation: str):
    with a_server_that(treat) as url:
        assert_unnoticed(a_wrapper(tmp_path, url), explanation)


def test_nobody_listens(tmp_path: Path):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        assert_unnoticed(a_wrapper(tmp_path, url), f"{url}: connection refused")


def test_the_service_is_not_tls(wrapper: Wrapper, service: StubService):
    told = wrapper.with_variables(RUNHOOK_URL=service.url.replace("http:", "https:"))

    assert_unnoticed(told, "SSL")


@pytest.mark.parametrize(
    ("answer", "explanation"),
    [
        ((500, b"Internal Server Error", {}), "answered 500"),
        ((200, b"<html>Please log in</html>", {}), "the answer is not Runhook's"),
        ((200, b'{"data": {}}', {}), "the answer is not Runhook's"),
        ((200, b"[" * 100_000, {}), "the answer is not Runhook's"),
        ((404, b"", {}), "answered 404"),
        (
            (401, b'{"status": {"user_message": "Send a valid\\ntoken."}}', {}),
            "answered 401: Send a valid token.",
        ),
    ],
)
def test_an_unhelpful_answer(
    wrapper: Wrapper, service: StubService, answer: Answer, explanation: str
):
    service.answer = lambda _request, _position: answer

    assert_unnoticed(wrapper, explanation)


def test_a_redirect_is_not_followed_with_the_token(wrapper: Wrapper, service: StubService):
    with a_service() as elsewhere:
        service.answer = lambda *_: (307, b"", {"Location": f"{elsewhere.url}/steal"})
        assert_unnoticed(wrapper, "answered 307, a redirect")

    assert elsewhere.requests == []


def test_a_refused_start_is_not_repeated(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: (401, b"", {})

    wrapper.run("dbt", "build")

    assert service.verbs() == ["runs"]


def test_an_end_that_is_refused_is_told(wrapper: Wrapper, service: StubService):
    accepted = service.answer
    service.answer = lambda request, position: (
        accepted(request, position) if request.verb == "runs" else refused(409)
    )

    ended = wrapper.run("dbt", "build")

    assert ended.returncode == 0
    assert ended.stderr.decode().splitlines()[1:] == [
        f"runhook: the end of this run was not reported to {service.url}: answered 409: No."
    ]


@pytest.mark.parametrize(
    ("variable", "value", "explanation"),
    [
        ("RUNHOOK_TOKEN", "", "set RUNHOOK_TOKEN"),
        ("RUNHOOK_TOKEN", "two\nlines", "RUNHOOK_TOKEN holds characters that no token has"),
        ("RUNHOOK_URL", "ftp://127.0.0.1", "RUNHOOK_URL is not an http or https address"),
        ("RUNHOOK_URL", "http://127.0.0.1:99999", "RUNHOOK_URL is not an http or https address"),
        ("RUNHOOK_URL", "http://[", "RUNHOOK_URL is not an http or https address"),
        ("RUNHOOK_ACCOUNT_ID", "mine", "RUNHOOK_ACCOUNT_ID is not a number"),
    ],
)
def test_a_setting_that_cannot_be_used(
    wrapper: Wrapper, variable: str, value: str, explanation: str
):
    assert_unnoticed(wrapper.with_variables(**{variable: value}), explanation)


def test_credentials_in_the_url_are_not_shown(tmp_path: Path):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://me:a-token@127.0.0.1:{held.getsockname()[1]}"
        assert_unnoticed(a_wrapper(tmp_path, url), "connection refused")


def test_a_proxy_is_not_asked_for_this_machine(wrapper: Wrapper, service: StubService):
    told = wrapper.with_variables(http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9")

    told.run("dbt", "build")

    assert service.verbs() == ["runs", "finish"]


def test_a_proxy_is_asked_for_other_machines(wrapper: Wrapper, service: StubService):
    told = wrapper.with_variables(
        RUNHOOK_URL="http://runhook.example",
        http_proxy=service.url.replace("http://", "http://me:secret@"),
    )

    told.run("dbt", "build")

    assert [report.path for report in service.reports()] == [
        "http://runhook.example/api/v3/accounts/1/runs",
        "http://runhook.example/api/v3/accounts/1/runs/42/finish",
    ]
    assert service.requests[0].headers["Proxy-Authorization"] == "Basic bWU6c2VjcmV0"


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({}, None),
        ({"https_proxy": "http://me:secret@proxy.example:3128"}, "proxy.example:3128"),
        ({"HTTPS_PROXY": "proxy.example"}, "proxy.example:80"),
        ({"http_proxy": "http://proxy.example"}, None),
        ({"https_proxy": "proxy.example", "no_proxy": "10.0.0.0/8, .other"}, None),
    ],
)
def test_proxies_are_named_as_for_the_service(variables: dict[str, str], proxy: str | None):
    named = Service(url="https://10.1.2.3", token="t", account_id="1", environ=variables)

    assert named.proxy == proxy


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("ftp://me:secret@proxy", "https_proxy: give a proxy as"),
        ("https://proxy", "is an https proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_said_without_its_password(address: str, complaint: str):
    with pytest.raises(UnusableError, match=complaint) as refused:
        Service(url="https://other", token="t", account_id="1", environ={"https_proxy": address})

    assert "secret" not in str(refused.value)


def test_our_own_bug_does_not_stop_dbt(wrapper: Wrapper):
    """A module of the standard library that another one hides is a sure way to surprise us."""
    (wrapper.folder / "hidden").mkdir()
    (wrapper.folder / "hidden" / "http.py").touch()

    ended = wrapper.with_variables(PYTHONPATH=str(wrapper.folder / "hidden")).run(
        "dbt", "exit", "3"
    )

    assert ended.returncode == 3
    assert ended.stderr.decode().splitlines() == [
        "runhook: this run was not reported: internal error, ModuleNotFoundError"
    ]
