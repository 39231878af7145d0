"""The service speaks https by itself, with a certificate that may be renewed under it."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from runhook.domain.errors import InvalidError
from runhook.server.connections.tls import Certificate, Pair
from tests.support.certificates import Authority, a_certificate
from tests.support.patience import PATIENCE, until
from tests.support.program import Service, runhook
from tests.support.running import TOKEN


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "authority").mkdir()
    return Authority(tmp_path / "authority")


@pytest.fixture
def environment(tmp_path: Path, authority: Authority) -> dict[str, str]:
    """Settings of a service that shows a certificate for localhost."""
    shutil.copy(authority.pem_of_server(), tmp_path / "server.pem")
    return {
        "RUNHOOK_TLS_CERT": "server.pem",
        "RUNHOOK_TLS_KEY": "server.pem",
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
    }


def place_of(service: Service) -> tuple[str, int]:
    url = httpx.URL(service.url)
    assert (url.scheme, url.host) == ("https", "127.0.0.1")
    assert url.port is not None
    return "localhost", url.port


async def serial_at(place: tuple[str, int], context: ssl.SSLContext) -> int:
    """Number of the certificate that is shown there."""
    _, writer = await asyncio.open_connection(*place, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(shown).serial_number


async def test_clients_of_several_kinds_speak_https_with_it(
    tmp_path: Path, authority: Authority, environment: Mapping[str, str]
):
    async with Service(folder=tmp_path, environment=environment) as service:
        host, port = place_of(service)
        url = f"https://{host}:{port}"
        async with httpx.AsyncClient(verify=authority.trusted(), timeout=PATIENCE) as client:
            answers = [await client.get(f"{url}/healthz") for _ in range(3)]
            page = await client.get(f"{url}/sign-in")
            sent = await client.post(
                f"{url}/api/v3/accounts/1/runs",
                headers={"Authorization": f"Token {TOKEN}", "Expect": "100-continue"},
                json={"job_name": "x" * 100_000},
            )
        curl = await asyncio.create_subprocess_exec(
            *["curl", "-sS", "--cacert", str(authority.bundle()), f"{url}/healthz"],
            stdout=subprocess.PIPE,
        )
        told = (await curl.communicate())[0]
        ran = await runhook(
            *["run", "--job", "nightly", "--", "true"],
            folder=tmp_path,
            environment={
                "PATH": "/usr/bin:/bin",
                "HOME": str(tmp_path),
                "RUNHOOK_URL": url,
                "RUNHOOK_TOKEN": TOKEN,
                "SSL_CERT_FILE": str(authority.bundle()),
            },
        )
        assert await service.stop() == 0

    assert [one.status_code for one in answers] == [200] * 3
    assert page.status_code == 200
    assert sent.status_code == 400
    assert told == b'{"status":"ok"}'
    assert (ran.code, ran.err) == (0, "")


async def test_a_cookie_is_for_tls_alone(
    tmp_path: Path, authority: Authority, environment: Mapping[str, str]
):
    async with (
        Service(folder=tmp_path, environment=environment) as service,
        httpx.AsyncClient(verify=authority.trusted(), timeout=PATIENCE) as client,
    ):
        host, port = place_of(service)
        url = f"https://{host}:{port}"
        answer = await client.post(
            f"{url}/theme", data={"theme": "dark"}, headers={"Sec-Fetch-Site": "same-origin"}
        )

    assert "secure" in answer.headers["set-cookie"].lower()


async def test_a_renewed_certificate_is_shown_and_a_broken_one_is_not(
    tmp_path: Path, authority: Authority, environment: Mapping[str, str]
):
    trusted = authority.trusted()
    async with Service(folder=tmp_path, environment=environment) as service:
        place = place_of(service)
        first = await serial_at(place, trusted)
        (tmp_path / "server.pem").write_text("half a certificate")

        async def is_refused() -> bool:
            assert await serial_at(place, trusted) == first
            return "certificate.unusable" in service.output

        await until(is_refused)
        shutil.copy(authority.pem_of_server(), tmp_path / "server.pem")

        async def is_renewed() -> bool:
            return await serial_at(place, trusted) != first

        await until(is_renewed)


async def test_connections_that_do_not_shake_hands_are_bounded_and_end(
    tmp_path: Path, authority: Authority, environment: Mapping[str, str]
):
    bounds = {"RUNHOOK_MAX_CONNECTIONS_PER_ADDRESS": "4", "RUNHOOK_CLIENT_TIMEOUT": "1"}
    async with Service(folder=tmp_path, environment={**environment, **bounds}) as service:
        place = place_of(service)
        silent = [await asyncio.open_connection("127.0.0.1", place[1]) for _ in range(12)]
        async with httpx.AsyncClient(verify=authority.trusted(), timeout=PATIENCE) as client:

            async def is_served() -> bool:
                # On a busy machine its own handshake may take too long.
                with suppress(httpx.TransportError):
                    answer = await client.get(f"https://localhost:{place[1]}/healthz")
                    return answer.status_code == 200
                return False

            await until(is_served)
        async with asyncio.timeout(PATIENCE):
            for reader, writer in silent:
                await read_to_end(reader)
                writer.close()


async def read_to_end(reader: asyncio.StreamReader) -> None:
    """Read until the connection is closed, in whatever way."""
    try:
        await reader.read()
    except ConnectionError:
        return


async def test_what_speaks_no_tls_is_hung_up_on(tmp_path: Path, environment: Mapping[str, str]):
    async with Service(folder=tmp_path, environment=environment) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", place_of(service)[1])
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            await read_to_end(reader)
        writer.close()
        assert await service.stop() == 0

    assert "Traceback" not in service.output


async def test_files_that_are_no_certificate_and_its_key_are_refused_in_words(
    tmp_path: Path, authority: Authority
):
    one, other = authority.pem_of_server(), authority.pem_of_server()
    certificate, locked = a_certificate(passphrase=b"hush")
    (tmp_path / "certificate.pem").write_text(certificate)
    (tmp_path / "locked.pem").write_text(locked)
    (tmp_path / "text.pem").write_text("text")
    pairs = [
        (one, other, f"The key in {other} is not that of the certificate in {one}."),
        (tmp_path / "none.pem", one, f"{tmp_path}/none.pem cannot be read: No such file"),
        (tmp_path / "text.pem", one, f"{tmp_path}/text.pem and {one} do not hold a certificate"),
        (tmp_path / "certificate.pem", tmp_path / "locked.pem", "has a passphrase"),
    ]

    for first, second, words in pairs:
        with pytest.raises(InvalidError) as error:
            Certificate(Pair(first, second))
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"RUNHOOK_TLS_KEY": "x"}, "RUNHOOK_TLS_KEY is set, and RUNHOOK_TLS_CERT is not; set both"),
        ({"RUNHOOK_TLS_CERT": "x"}, "x cannot be read: No such file or directory."),
    ],
)
async def test_a_service_without_its_certificate_does_not_start(
    tmp_path: Path, settings: Mapping[str, str], words: str
):
    ended = await runhook("serve", folder=tmp_path, environment={**settings, "RUNHOOK_PORT": "0"})

    assert (ended.code, ended.out, ended.err) == (1, "", f"runhook serve: {words}\n")
    assert not (tmp_path / "runhook-data").exists()
