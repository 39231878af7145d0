"""Speak to Runhook's API: one request, one answer, no exceptions.

http.client rather than urllib.request: it follows no redirect, which would carry the token to
another host, and asks no proxy unless told to.
"""

import base64
import http.client
import json
import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urlsplit

from runhook.client.reporting.spool import Destination
from runhook.client.settings import ServiceSettings
from runhook.domain.errors import InvalidError
from runhook.domain.traces import TRACEPARENT, read_traceparent
from runhook.domain.version import VERSION
from runhook.secret_files import secret_in

if TYPE_CHECKING:
    from runhook.domain.network.proxies import Proxy

LARGEST_ANSWER = 1 << 20
DEFAULT_PORTS = {"http": 80, "https": 443}
REQUEST_TIMEOUT = 408
TOO_MANY_REQUESTS = 429
NOT_UNDERSTOOD = frozenset({400, 422})
"""How a report is answered with a key or a value that the service does not know, or not yet."""
REFUSALS = frozenset({400, 409, 413, 422})
"""How a report is answered that will never be taken. Others speak of token, address or network."""
NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The service has taken the report; ``data`` is what it says of the run."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The service has done what it was asked for; ``data`` is what it says."""

    data: Any
    warning: str = ""
    """What the user should do about it, in a sentence; empty for nothing."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What it says beside that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFailed:
    """The report was not taken, and why, for people."""

    reason: str
    is_final: bool
    """Whether repeating it with these settings would fail too."""
    is_refused: bool = False
    """4xx: the service refused it; do not retry."""
    is_not_understood: bool = False
    """Whether a newer version of the service could accept it."""
    status: int | None = None
    """HTTP status; None if there was no HTTP response."""


NOT_HTTP = RequestFailed(reason="the answer is not HTTP", is_final=False)


class UnusableError(Exception):
    """No request can be made with this configuration; the message says what to correct."""


class Service:
    """The runs of one account."""

    def __init__(
        self, *, url: str, token: str, account_id: str, environ: Mapping[str, str]
    ) -> None:
        """Check the settings.

        Raises:
            UnusableError: one of them is missing or malformed.
        """
        self._url = parse_url(url)
        if not token:
            raise UnusableError("there is no token; set RUNHOOK_TOKEN")
        if not re.fullmatch(r"[!-~]+", token):
            raise UnusableError("RUNHOOK_TOKEN holds characters that no token has")
        if not re.fullmatch(r"[0-9]+", account_id):
            raise UnusableError("RUNHOOK_ACCOUNT_ID is not a number")
        self._headers = {
            "Authorization": f"Token {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"runhook/{VERSION}",
            "Connection": "close",
        }
        prefix = self._url.path.rstrip("/")
        self.destination = Destination(
            service=f"{self.name}{prefix}",
            account_id=account_id,
            traceparent=read_traceparent(environ.get(TRACEPARENT.upper())),
        )
        self._account = f"{prefix}/api/v3/accounts/{account_id}"
        self._runs = f"{self._account}/runs"
        self._proxy = find_proxy(self._url, environ)

    @property
    def name(self) -> str:
        """How the service is called in messages: its address without credentials."""
        return server_address(self._url)

    @property
    def proxy(self) -> str | None:
        """The proxy that is asked instead, without credentials."""
        return None if self._proxy is None else self._proxy.place

    def within(self, traceparent: str | None) -> "Service":
        """The same service, told of what belongs to another trace, or to none."""
        other = copy(self)
        other.destination = replace(self.destination, traceparent=traceparent)
        return other

    def start_run(self, body: Mapping[str, object], *, timeout: float) -> Accepted | RequestFailed:
        """Report a run's start; the answer's data has its `id`. Seconds are per read and write."""
        answer = self._post(self._runs, body, timeout)
        if isinstance(answer, Accepted) and not isinstance(answer.data.get("id"), int | str):
            return not_ours()
        return answer

    def tell(
        self, run_id: str, verb: str, body: Mapping[str, object], *, timeout: float
    ) -> Accepted | RequestFailed:
        """Report `heartbeat`, `canceling` or `finish` of a run.

        A service that was brought back from a backup may no longer know it, and takes it when it is
        told from its start.
        """
        return self._post(f"{self._runs}/{quote(run_id, safe='')}/{verb}", body, timeout)

    def attach(
        self, run_id: str, name: str, content: bytes, *, step: int, timeout: float
    ) -> Accepted | RequestFailed:
        """Attach a file to a step of a run."""
        file = f"{quote(run_id, safe='')}/artifacts/{quote(name, safe='')}"
        path = f"{self._runs}/{file}?step={step}"
        return self._send("PUT", path, content, timeout, refusals=REFUSALS | {NOT_FOUND})

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        timeout: float,
        largest: int = LARGEST_ANSWER,
    ) -> Answered | RequestFailed:
        """Ask the account's API for something that is not a report.

        Args:
            method: of HTTP.
            path: behind that of the account, such as `webhooks/subscriptions`.
            body: an object, if the request has one.
            timeout: seconds for each read and write.
            largest: how many bytes the answer may have.
        """
        content = b"" if body is None else json.dumps(body).encode()
        came = self._exchange(method, f"{self._account}/{path}", content, timeout, largest)
        if isinstance(came, RequestFailed):
            return came
        status, content = came
        if not 200 <= status < 300:
            failed = judge_answer(status, content, REFUSALS)
            return failed if isinstance(failed, RequestFailed) else not_ours()
        try:
            envelope = json.loads(content)
            extra = envelope.get("extra") or {}
            warning = str(extra.get("warning", ""))
            return Answered(data=envelope["data"], warning=warning, extra=extra)
        except (AttributeError, ValueError, KeyError, TypeError, RecursionError):
            return not_ours()

    def _post(
        self, path: str, body: Mapping[str, object], timeout: float
    ) -> Accepted | RequestFailed:
        # Bytes of the environment that are no UTF-8 arrive here as lone surrogates.
        content = json.dumps(body, ensure_ascii=False).encode(errors="replace")
        return self._send("POST", path, content, timeout, refusals=REFUSALS)

    def _send(
        self, method: str, path: str, content: bytes, timeout: float, *, refusals: frozenset[int]
    ) -> Accepted | RequestFailed:
        came = self._exchange(method, path, content, timeout)
        return came if isinstance(came, RequestFailed) else judge_answer(*came, refusals)

    def _exchange(
        self,
        method: str,
        path: str,
        content: bytes,
        timeout: float,
        largest: int = LARGEST_ANSWER,
    ) -> tuple[int, bytes] | RequestFailed:
        """Send a request and return the response's status and body."""
        way = ServerWay(self._url, self._proxy, timeout)
        headers = self._headers
        if self.destination.traceparent is not None:
            headers = {**headers, TRACEPARENT: self.destination.traceparent}
        came = exchange(way, method, path, content, headers, largest=largest)
        return not_ours() if came == NOT_HTTP else came


@dataclass(frozen=True, slots=True)
class ServerWay:
    """How to reach a server."""

    url: SplitResult
    """Its scheme, host and port."""
    proxy: "Proxy | None"
    timeout: float
    """Seconds for each read and write."""

    def connect(self, path: str) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
        """Connection, request target and headers that a proxy wants."""
        host, port = self.url.hostname or "", self.url.port or DEFAULT_PORTS[self.url.scheme]
        through = self.proxy
        extra = {} if through is None else proxy_authorization(through)
        at = (host, port) if through is None else (through.host, through.port)
        if self.url.scheme == "http":
            target = path if through is None else f"{server_address(self.url)}{path}"
            return http.client.HTTPConnection(*at, timeout=self.timeout), target, extra
        secure = http.client.HTTPSConnection(*at, timeout=self.timeout)
        if through is not None:
            secure.set_tunnel(host, port, headers=extra)
        return secure, path, {}


def exchange(
    way: ServerWay,
    method: str,
    path: str,
    content: bytes,
    headers: Mapping[str, str],
    *,
    largest: int = LARGEST_ANSWER,
) -> tuple[int, bytes] | RequestFailed:
    """Send a request and return the response's status and its body's first ``largest`` bytes."""
    try:
        connection, target, extra = way.connect(path)
        try:
            connection.request(method, target, content, {**headers, **extra})
            response = connection.getresponse()
            return response.status, response.read(largest)
        finally:
            connection.close()
    except TimeoutError:
        return RequestFailed(reason="no answer in time", is_final=False)
    except ConnectionRefusedError:
        return RequestFailed(reason="connection refused", is_final=False)
    except OSError as error:
        return RequestFailed(reason=error.strerror or type(error).__name__, is_final=False)
    except (http.client.HTTPException, ValueError):
        return NOT_HTTP


def server_address(url: SplitResult) -> str:
    """A server's address without credentials and path."""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{host}{port}"


def connect_service(settings: ServiceSettings, environ: Mapping[str, str]) -> Service:
    """Connect to the service that the settings name.

    There is no flag for the token, as every user of the machine can read command lines.
    """
    try:
        token = secret_in(environ, "RUNHOOK_TOKEN") or ""
    except InvalidError as error:
        raise UnusableError(error.message) from None
    return Service(url=settings.url, token=token, account_id=settings.account_id, environ=environ)


def parse_url(url: str) -> SplitResult:
    """Parse RUNHOOK_URL.

    Raises:
        UnusableError: it is not an http or https address.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii():
        raise UnusableError("RUNHOOK_URL is not an http or https address")
    return parts


def find_proxy(url: SplitResult, environ: Mapping[str, str]) -> "Proxy | None":
    """The proxy that the usual variables name for ``url``; None for this very machine.

    Raises:
        UnusableError: a variable is not a proxy's address.
    """
    name = f"{url.scheme}_proxy"
    if not (environ.get(name) or environ.get(name.upper())):
        return None
    from runhook.domain.errors import InvalidError  # noqa: PLC0415 - 12 ms that few have to pay
    from runhook.domain.network.destinations import DEFAULT_PORTS  # noqa: PLC0415 - as below
    from runhook.domain.network.proxies import Proxies  # noqa: PLC0415 - as above

    try:
        proxy = Proxies.of(environ).proxy_for(
            url.scheme, url.hostname or "", url.port or DEFAULT_PORTS[url.scheme]
        )
    except InvalidError as error:
        raise UnusableError(error.message) from error
    if proxy is not None and proxy.scheme != "http":
        raise UnusableError(
            f"the proxy {proxy.url} is an https proxy, which the client does not support"
        )
    return proxy


def proxy_authorization(proxy: "Proxy") -> dict[str, str]:
    """Header for a proxy that wants a user and a password."""
    if proxy.credentials is None:
        return {}
    credentials = ":".join(proxy.credentials).encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(credentials).decode()}"}


def judge_answer(status: int, content: bytes, refusals: frozenset[int]) -> Accepted | RequestFailed:
    """Interpret an HTTP response."""
    envelope = read_envelope(content)
    if 200 <= status < 300:
        return not_ours() if envelope is None else Accepted(data=envelope)
    if 300 <= status < 400:
        return RequestFailed(
            reason=f"answered {status}, a redirect; correct RUNHOOK_URL",
            is_final=True,
            status=status,
        )
    passes = status >= 500 or status in {REQUEST_TIMEOUT, TOO_MANY_REQUESTS}
    said = user_message(content)
    return RequestFailed(
        reason=f"answered {status}{said and f': {said}'}",
        is_final=not passes,
        # Without our envelope the response is of a proxy or gateway in between.
        is_refused=bool(said) and status in refusals,
        is_not_understood=bool(said) and status in refusals & NOT_UNDERSTOOD,
        status=status,
    )


def read_envelope(content: bytes) -> Mapping[str, Any] | None:
    """`data` of a response; None if this is not how Runhook responds."""
    try:
        data = json.loads(content)["data"]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def user_message(content: bytes) -> str:
    """The sentence for people in an error's envelope, fit for one line; empty if none."""
    try:
        message = str(json.loads(content)["status"]["user_message"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return ""
    return "".join(one if one.isprintable() else " " for one in message[:200])


def not_ours() -> RequestFailed:
    """Somebody answered who is not Runhook: a login page, another program on that port."""
    return RequestFailed(reason="the answer is not Runhook's; check RUNHOOK_URL", is_final=False)
