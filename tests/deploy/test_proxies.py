"""The proxies as they are configured here, started, with the service behind them."""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.docs.documents import REPOSITORY
from tests.support.api import data_of, new_run
from tests.support.certificates import Authority
from tests.support.patience import until
from tests.support.ports import free_ports
from tests.support.program import Service
from tests.support.running import TOKEN
from tests.upgrading.places import a_place

DEPLOY = REPOSITORY / "deploy"
NAME = "runhook.example.com"
LARGE = os.urandom(8 << 20)
"""More than proxies take by default."""
REPORTS = 200


@asynccontextmanager
async def running(*command: str | Path, port: int, **variables: str) -> AsyncIterator[None]:
    """Run a proxy until the end, from the moment at which it listens."""
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **variables}, stderr=asyncio.subprocess.DEVNULL
    )

    async def listens() -> bool:
        assert process.returncode is None
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        await until(listens)
        yield
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def nginx(folder: Path, authority: Authority, services: list[Service]) -> AsyncIterator[int]:
    """The site of deploy/proxies, on ports of its own."""
    plain, port = free_ports(2)
    pem = authority.pem_of_server(NAME)
    site = (DEPLOY / "proxies" / "nginx.conf").read_text()
    site = re.sub(r"/etc/ssl/runhook/\w+\.pem", str(pem), site)
    site = re.sub(r"\n *listen \[::\].*", "", site)
    site = site.replace("listen 80;", f"listen 127.0.0.1:{plain};")
    site = site.replace("listen 443", f"listen 127.0.0.1:{port}")
    servers = "".join(f"server {service.url.removeprefix('http://')};" for service in services)
    site = site.replace("server 127.0.0.1:8580;", servers)
    (folder / "nginx.conf").write_text(
        f"daemon off; user root; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body;\n{site}\n}}\n"
    )
    async with running("nginx", "-p", folder, "-c", folder / "nginx.conf", port=port):
        yield port


@asynccontextmanager
async def caddy(folder: Path, authority: Authority, services: list[Service]) -> AsyncIterator[int]:
    """The site of deploy/proxies, with a certificate in place of one that Caddy would fetch."""
    [port] = free_ports(1)
    pem = authority.pem_of_server(NAME)
    site = (DEPLOY / "proxies" / "Caddyfile").read_text()
    site = site.replace(f"\n{NAME} {{", f"\n{NAME}:{port} {{\n\ttls {pem} {pem}")
    places = " ".join(service.url.removeprefix("http://") for service in services)
    site = site.replace("reverse_proxy 127.0.0.1:8580", f"reverse_proxy {places}")
    head = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
    (folder / "Caddyfile").write_text(head + site)
    command = ("caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile")
    async with running(*command, port=port, HOME=str(folder)):
        yield port


@asynccontextmanager
async def client_of(authority: Authority, port: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client that reaches the proxy by its name, over TLS."""

    async def by_name(request: httpx.Request) -> None:
        request.headers["Host"] = NAME
        request.extensions["sni_hostname"] = NAME

    trusted: ssl.SSLContext = authority.trusted()
    async with httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{port}/api/v3/accounts/1/",
        headers={"Authorization": f"Token {TOKEN}"},
        verify=trusted,
        event_hooks={"request": [by_name]},
        timeout=60,
    ) as client:
        yield client


@pytest.fixture(params=[nginx, caddy], ids=lambda proxy: proxy.__name__)
def proxy(request: pytest.FixtureRequest):
    return request.param


async def test_clients_are_served_by_name_over_tls_with_large_files(proxy, tmp_path):
    authority = Authority(tmp_path)
    async with a_place("sqlite", tmp_path / "service") as place:
        environment = {
            **place.environment,
            "RUNHOOK_PUBLIC_URL": f"https://{NAME}",
            "RUNHOOK_TRUSTED_PROXIES": "127.0.0.1/32",
        }
        async with (
            Service(folder=tmp_path, environment=environment) as service,
            proxy(tmp_path, authority, [service]) as port,
            client_of(authority, port) as api,
        ):
            run = await new_run(api)
            file = f"runs/{run['id']}/artifacts/manifest.json"
            data_of(await api.put(file, content=LARGE))
            back = await api.get(file)
            origin = f"https://127.0.0.1:{port}"
            shown = data_of(await api.get(f"{origin}/api/v2/accounts/1/runs/{run['id']}"))
            sign_in = await api.get(f"{origin}/sign-in")

    assert shown["href"].startswith(f"https://{NAME}/")
    assert back.content == LARGE
    assert sign_in.status_code == 200
    assert all("Secure" in one for one in sign_in.headers.get_list("set-cookie"))


async def test_of_two_processes_one_may_be_replaced_without_a_failed_report(proxy, tmp_path):
    authority = Authority(tmp_path)
    async with a_place("postgresql", tmp_path / "service") as place:
        settings = {"folder": tmp_path, "environment": place.environment}
        async with (
            Service(**settings) as first,
            Service(**settings) as second,
            proxy(tmp_path, authority, [first, second]) as port,
            client_of(authority, port) as api,
        ):
            reports = asyncio.create_task(report(api))
            await first.stop()
            runs = await reports

    assert len(runs) == REPORTS


async def report(api: httpx.AsyncClient) -> set[int]:
    """Report runs one after the other; each must be taken at once."""
    return {(await new_run(api, run_key=f"run-{number}"))["id"] for number in range(REPORTS)}
