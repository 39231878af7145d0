"""PostgreSQL's address is libpq's: of several hosts, the one that takes writes is used."""

import asyncio
import uuid
from functools import partial
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from runhook.domain.errors import InvalidError, UnavailableError
from runhook.storage.engine._addresses import read_database_address
from runhook.storage.engine.store import Store
from tests.support.databases import VAULT, execute


def with_host_before(url: str, host: str) -> str:
    """An address that names another host before its own."""
    address, _, own = url.partition("?host=")
    return f"{address}?host={host},{own}"


async def backend_of(store: Store) -> int:
    """Which of the server's processes serves a transaction."""
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


@pytest.mark.parametrize("hosts", ["127.0.0.1:1,[::1]:1", "[::1]:1,[::1]:2", "a,b,[fe80::1]"])
def test_several_hosts_are_given_to_the_driver_one_by_one(hosts: str):
    """From Python 3.14 on, neither we nor the driver could read them in one address."""
    address = read_database_address(f"postgresql://me:hush@{hosts}/runhook?sslmode=disable")

    assert address.url == "postgresql://me:hush@/runhook?sslmode=disable"
    assert list(address.hosts) == hosts.split(",")


def test_an_address_with_one_host_is_given_to_the_driver_as_it_is():
    for text in ["postgresql://me@[::1]:1/runhook?sslmode=disable", "postgresql:///?host=%2Frun"]:
        assert read_database_address(text).url == text


async def refuse(
    code: str, message: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer as a server does that refuses every client: no TLS, and then why."""
    await reader.readexactly(8)
    writer.write(b"N")
    await reader.read(1_000)
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}, hush\0\0".encode()
    writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        ("28P01", "says the server", "the user or the password"),
        ("28000", "says the server", "pg_hba.conf"),
        ("3D000", "says the server", "names does not exist"),
        ("08P01", "unsupported startup parameter: x", "PgBouncer: ignore_startup_parameters"),
        ("08P01", "SASL authentication failed", "the user or the password"),
        ("08P01", "no such database: mine", "names does not exist"),
    ],
)
async def test_a_server_that_lets_us_not_in_is_told_of_with_what_to_do(
    code: str, message: str, words: str
):
    async with await asyncio.start_server(partial(refuse, code, message), "127.0.0.1") as server:
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

    with pytest.raises(UnavailableError, match="names does not exist"):
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
        "postgresql://me:hush@db:port/runhook",
        "postgresql://me:hush@db1:5432,db2:hush/runhook",
        "postgresql://me:hush@[::1/runhook",
    ],
)
def test_an_address_that_is_none_is_told_without_its_password(address: str):
    with pytest.raises(InvalidError) as refusal:
        Store.open(address, vault=VAULT)

    assert str(refusal.value) == "RUNHOOK_DATABASE_URL is not a database address"


@pytest.mark.parametrize(
    "password",
    ["hu@sh", "hu/sh", "hu#sh", "hu?sh", "hush%", "100%hush", "@hush", "hush/@#?", "h%zzush"],
)
def test_a_character_of_a_password_that_means_something_else_is_told_with_what_to_write(
    password: str,
):
    with pytest.raises(InvalidError) as refusal:
        Store.open(f"postgresql://me:{password}@db/runhook", vault=VAULT)

    told = str(refusal.value)
    assert "write @ as %40" in told.lower()
    assert "hush" not in told
    assert password not in told


def test_a_password_is_taken_once_it_is_encoded():
    password = "hu@sh/#?%:"

    assert Store.open(f"postgresql://me:{quote(password, safe='')}@db/runhook", vault=VAULT)


@pytest.mark.parametrize(
    "parameters",
    [
        "connect_timeout=3",
        "channel_binding=prefer",
        "gssencmode=prefer",
        "sslnegotiation=postgres",
        "keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=3",
        "gssencmode=disable",
        "fallback_application_name=mine",
        "application_name=mine",
        "target_session_attrs=primary",
        pytest.param("options=-c%20search_path%3Dpublic", marks=pytest.mark.needs("sessions")),
    ],
)
async def test_a_parameter_of_libpq_is_taken(postgresql_url: str, parameters: str):
    store = Store.open(f"{postgresql_url}&{parameters}", vault=VAULT)

    assert await backend_of(store)

    await store.close()


@pytest.mark.parametrize(
    "name", ["pool_size", "server_settings", "sslMode", "charset", "jit", "statement_timeout"]
)
def test_a_parameter_that_libpq_does_not_have_is_refused_by_its_name(name: str):
    with pytest.raises(InvalidError, match=f"`{name}` is not known") as refusal:
        Store.open(f"postgresql://me:hush@db/runhook?{name}=hush", vault=VAULT)

    assert "hush" not in str(refusal.value)


async def test_a_parameter_that_is_not_valid_is_told():
    store = Store.open("postgresql://me:hush@127.0.0.1:1/runhook?sslmode=maybe", vault=VAULT)

    with pytest.raises((InvalidError, UnavailableError)) as refusal:
        await backend_of(store)

    await store.close()
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(
    "parameter",
    [
        "channel_binding=require",
        "gssencmode=require",
        "load_balance_hosts=random",
        "replication=database",
        "sslnegotiation=direct",
        "connect_timeout=soon",
        "keepalives_idle=-1",
    ],
)
def test_a_parameter_of_libpq_that_cannot_be_heeded_is_refused_by_its_name(parameter: str):
    name = parameter.partition("=")[0]
    with pytest.raises(InvalidError, match=f"`{name}`"):
        Store.open(f"postgresql://me@db/runhook?{parameter}", vault=VAULT)


async def test_a_connection_is_called_as_the_address_says(postgresql_url: str):
    for given, name in [
        ("application_name=mine&fallback_application_name=other", "mine"),
        ("fallback_application_name=mine", "mine"),
    ]:
        store = Store.open(f"{postgresql_url}&{given}", vault=VAULT)
        async with store.read() as tx:
            shown = (await tx.execute(sa.text("SHOW application_name"))).scalar_one()
        await store.close()
        assert shown == name


@pytest.mark.needs("sessions")
async def test_a_server_whose_default_is_serializable_is_no_other(postgresql_url: str):
    level = "options=-c%20default_transaction_isolation%3Dserializable"
    store = Store.open(f"{postgresql_url}&{level}", vault=VAULT)

    async with store.write() as tx:
        used = (await tx.execute(sa.text("SHOW transaction_isolation"))).scalar_one()

    await store.close()
    assert used == "read committed"


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JP"])
async def test_a_database_that_does_not_keep_utf8_is_refused(postgresql_url: str, encoding: str):
    name = f"other_{uuid.uuid4().hex}"
    await execute(
        postgresql_url,
        f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0",
    )
    url = sa.make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
    store = Store.open(url, vault=VAULT)

    with pytest.raises(InvalidError, match="UTF-8"):
        await backend_of(store)

    await store.close()
    await execute(postgresql_url, f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_wrong_database_or_user_is_unavailable(postgresql_url: str):
    store = Store.open(postgresql_url.replace("/test_", "/no_such_"), vault=VAULT)

    with pytest.raises(UnavailableError):
        await backend_of(store)

    await store.close()


@pytest.mark.needs("sessions")
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
