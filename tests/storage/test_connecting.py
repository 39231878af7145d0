"""PostgreSQL's address is libpq's: of several hosts, the one that takes writes is used."""

import asyncio
from functools import partial

import pytest
import sqlalchemy as sa

from runhook.domain.errors import InvalidError, UnavailableError
from runhook.storage.store import Store
from tests.support.databases import VAULT


def with_host_before(url: str, host: str) -> str:
    """Return an address that names another host before its own."""
    address, _, own = url.partition("?host=")
    return f"{address}?host={host},{own}"


async def backend_of(store: Store) -> int:
    """Return which of the server's processes serves a transaction."""
    async with store.read() as tx:
        return (await tx.execute(sa.text("SELECT pg_backend_pid()"))).scalar_one()


async def test_a_host_that_refuses_is_passed_over(postgresql_url: str):
    store = Store.open(with_host_before(postgresql_url, "127.0.0.1:1"), vault=VAULT)

    assert await backend_of(store)

    await store.close()


async def test_a_host_that_never_answers_is_passed_over(postgresql_url: str):
    """As one whose machine has lost its power."""
    hung = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hung.wait()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        store = Store.open(with_host_before(postgresql_url, f"127.0.0.1:{port}"), vault=VAULT)

        assert await backend_of(store)

        await store.close()
        hung.set()


async def test_without_any_host_the_database_is_unavailable():
    store = Store.open("postgresql://me@127.0.0.1:1,[::1]:1/runhook", vault=VAULT)

    with pytest.raises(UnavailableError):
        await backend_of(store)

    await store.close()


async def refuse(code: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a server does that lets nobody in: no TLS, and then why."""
    await reader.readexactly(8)
    writer.write(b"N")
    await reader.read(1_000)
    fields = b"SFATAL\0VFATAL\0C" + code.encode() + b"\0Mhush, says the server\0\0"
    writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("code", "words"),
    [("28P01", "the user or the password"), ("28000", "pg_hba.conf"), ("3D000", "no database of")],
)
async def test_a_server_that_lets_us_not_in_is_told_of_with_what_to_do(code: str, words: str):
    async with await asyncio.start_server(partial(refuse, code), "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        store = Store.open(f"postgresql://me:hush@127.0.0.1:{port}/mine", vault=VAULT)

        with pytest.raises(UnavailableError) as refusal:
            await backend_of(store)

        await store.close()

    assert words in refusal.value.message
    assert "RUNHOOK_DATABASE_URL" in refusal.value.message
    assert "hush" not in refusal.value.message


async def test_a_database_that_the_server_does_not_have_is_told_of(postgresql_url: str):
    store = Store.open(postgresql_url.replace("?", "-not-there?", 1), vault=VAULT)

    with pytest.raises(UnavailableError, match="no database of the name"):
        await backend_of(store)

    await store.close()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql+asyncpg"])
async def test_other_spellings_of_the_scheme_are_understood(postgresql_url: str, scheme: str):
    store = Store.open(f"{scheme}{postgresql_url.removeprefix('postgresql')}", vault=VAULT)

    assert await backend_of(store)

    await store.close()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:hush/hush@db/runhook",
        "postgresql://me:hush@db:port/runhook",
        "postgresql://me:hush@db1:5432,db2:hush/runhook",
        "postgresql://me:hush@[::1/runhook",
    ],
)
def test_an_address_that_is_none_is_told_without_its_password(address: str):
    with pytest.raises(InvalidError) as refusal:
        Store.open(address, vault=VAULT)

    assert str(refusal.value) == "RUNHOOK_DATABASE_URL is not a database address"


async def test_a_parameter_that_is_not_valid_is_told():
    store = Store.open("postgresql://me:hush@127.0.0.1:1/runhook?sslmode=maybe", vault=VAULT)

    with pytest.raises(InvalidError, match="RUNHOOK_DATABASE_URL has a parameter") as refusal:
        await backend_of(store)

    await store.close()
    assert "hush" not in str(refusal.value)


async def test_a_wrong_database_or_user_is_unavailable(postgresql_url: str):
    store = Store.open(postgresql_url.replace("/test_", "/no_such_"), vault=VAULT)

    with pytest.raises(UnavailableError):
        await backend_of(store)

    await store.close()


async def test_a_connection_to_a_server_that_takes_no_writes_any_more_is_let_go(
    postgresql_url: str,
):
    """There is another primary now, and only a new connection finds it."""
    store = Store.open(postgresql_url, vault=VAULT)
    before = await backend_of(store)

    with pytest.raises(UnavailableError):
        async with store.write() as tx:
            await tx.execute(sa.text("SET TRANSACTION READ ONLY"))
            await tx.execute(sa.text("DELETE FROM tokens"))

    assert await backend_of(store) != before
    await store.close()
