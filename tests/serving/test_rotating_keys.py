"""The master key gets a successor while the service runs, and nothing becomes unreadable."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import InvalidToken

from runhook.cli.main import main
from runhook.domain.errors import InvalidError
from runhook.domain.webhooks.signature import Secret
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.service.rotate_keys import prepare_key, rotate_keys, uses_of
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import webhooks
from runhook.storage.engine.vault import Vault
from runhook.storage.service.data_folder import given_keys, key_file, only_rotation, open_vault
from runhook.storage.service.key_file import KeyFile, MasterKey
from runhook.storage.webhooks.rows import find_endpoints
from tests.support.accounts import Tenant, a_tenant, rows_of
from tests.support.clock import ManualClock
from tests.support.databases import open_store
from tests.support.program import runhook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with its first key."""
    folder = tmp_path / "data"
    open_vault(folder)
    return folder


@pytest.fixture
def file(folder: Path) -> KeyFile:
    return key_file(folder)


@pytest.fixture
async def service(folder: Path, database_url: str, clock: ManualClock):
    """The store of a service that has the keys of the beginning."""
    store = open_store(database_url, vault=open_vault(folder), clock=clock.as_sql())
    yield store
    await store.close()


@pytest.fixture
async def tenant(service: Store, clock: ManualClock) -> Tenant:
    return await a_tenant(service, clock)


async def secrets_of(store: Store, webhook: Webhook) -> tuple[Secret, ...]:
    async with store.read() as tx:
        return (await find_endpoints(tx, [webhook.id]))[webhook.id].secrets


async def test_after_a_rotation_the_new_key_alone_opens_everything(
    tenant: Tenant, service: Store, file: KeyFile
):
    before = file.read()
    for _ in range(3):
        await tenant.webhook()

    rotated = await rotate_keys(service, file)

    keys = file.read()
    newest = Vault([keys[0].text])
    rows = await rows_of(service, webhooks)
    assert list(keys) == [rotated.key, *before]
    assert (rotated.encrypted, rotated.dropped, rotated.lost) == (3, 0, 0)
    assert {row.id: newest.decrypt(row.secret_ciphertext) for row in rows} == tenant.secrets


async def test_a_running_service_reads_and_writes_with_the_new_key_without_a_restart(
    tenant: Tenant, service: Store, file: KeyFile
):
    old = await tenant.webhook()

    await rotate_keys(service, file)

    new = await tenant.webhook()
    assert await secrets_of(service, old) == (tenant.secrets[old.id],)
    assert await secrets_of(service, new) == (tenant.secrets[new.id],)
    written = {row.id: row.secret_ciphertext for row in await rows_of(service, webhooks)}
    assert Vault([file.read()[0].text]).opens(written[new.id])


async def test_a_key_that_nothing_needs_any_more_is_dropped_two_rotations_later(
    tenant: Tenant, service: Store, file: KeyFile
):
    await tenant.webhook()
    first = file.read()[0]
    second = (await rotate_keys(service, file)).key

    rotated = await rotate_keys(service, file)

    assert list(file.read()) == [rotated.key, second]
    assert rotated.dropped == 1
    assert first not in file.read()


@pytest.mark.parametrize("batch", [1, 2, 5, 6])
async def test_everything_is_encrypted_anew_however_many_batches_it_takes(
    tenant: Tenant, service: Store, file: KeyFile, batch: int
):
    for _ in range(5):
        await tenant.webhook()

    rotated = await rotate_keys(service, file, batch=batch)

    assert rotated.encrypted == 5
    assert await opened(service, file) == [5, 0]


async def test_whatever_else_is_secret_is_encrypted_anew_too(
    tenant: Tenant, service: Store, file: KeyFile
):
    webhook = await tenant.webhook()
    vault = open_all(file)
    names = [column.name for column in webhooks.c if column.name.endswith("_ciphertext")]
    texts = {name: Secret("{}") for name in names if name != "secret_ciphertext"}
    async with service.write() as tx:
        await tx.execute(
            sa.update(webhooks).values({name: vault.encrypt(text) for name, text in texts.items()})
        )

    await rotate_keys(service, file)

    newest = Vault([file.read()[0].text])
    (row,) = await rows_of(service, webhooks)
    assert {name: newest.decrypt(getattr(row, name)) for name in texts} == texts
    assert newest.decrypt(row.secret_ciphertext) == tenant.secrets[webhook.id]


async def test_a_deleted_webhooks_empty_columns_stay_empty(
    tenant: Tenant, service: Store, file: KeyFile
):
    await tenant.remove(await tenant.webhook())

    assert (await rotate_keys(service, file)).encrypted == 0

    (row,) = await rows_of(service, webhooks)
    assert row.secret_ciphertext is None


async def test_a_prepared_key_reads_at_once_and_encrypts_only_once_it_is_rotated_to(
    tenant: Tenant, service: Store, file: KeyFile, folder: Path
):
    """The replica gets its copy before the rotation, and so reads what is written after it."""
    prepared = prepare_key(file)
    await tenant.webhook()
    assert await opened(service, file) == [1, 0]

    replica = open_vault(Path(shutil.copytree(folder, folder.with_name("replica"))))
    rotated = await rotate_keys(service, file)
    await tenant.webhook()

    assert rotated.key.fingerprint == prepared.fingerprint
    assert [key.is_prepared for key in file.read()] == [False, False]
    for row in await rows_of(service, webhooks):
        assert replica.decrypt(row.secret_ciphertext) == tenant.secrets[row.id]


def test_only_one_key_is_prepared_at_a_time(file: KeyFile):
    prepare_key(file)

    with pytest.raises(InvalidError, match="prepared already"):
        prepare_key(file)


async def test_a_rotation_that_was_stopped_half_way_is_finished_by_the_next(
    tenant: Tenant, service: Store, file: KeyFile
):
    """The file has its new key, of the database nothing or only some is encrypted with it."""
    first = await tenant.webhook()
    file.replace([MasterKey(Vault.new_key()), *file.read()])
    second = await tenant.webhook()

    rotated = await rotate_keys(service, file)

    assert rotated.encrypted == 2
    assert rotated.dropped == 1
    for webhook in (first, second):
        assert await secrets_of(service, webhook) == (tenant.secrets[webhook.id],)


async def test_a_secret_that_no_key_opens_is_counted_and_left_as_it_is(
    tenant: Tenant, service: Store, file: KeyFile
):
    await tenant.webhook()
    lost = Vault([Vault.new_key()]).encrypt(Secret("lost"))
    async with service.write() as tx:
        await tx.execute(sa.update(webhooks).values(secret_ciphertext=lost))

    rotated = await rotate_keys(service, file)

    (row,) = await rows_of(service, webhooks)
    assert (rotated.encrypted, rotated.lost, row.secret_ciphertext) == (0, 1, lost)


def test_the_file_stays_its_owners_alone_and_nothing_lies_beside_it(file: KeyFile, folder: Path):
    file.replace([MasterKey(Vault.new_key()), *file.read()])

    assert [(path.name, oct(path.stat().st_mode & 0o777)) for path in folder.iterdir()] == [
        ("master.key", "0o600")
    ]


def test_keys_do_not_show_themselves(file: KeyFile):
    (key,) = file.read()

    assert key.text.decode() not in repr(key)
    assert key.text.decode() not in key.fingerprint


def test_a_service_whose_key_file_is_away_goes_on_with_the_keys_it_has(folder: Path, file: KeyFile):
    vault = open_vault(folder)
    (folder / "master.key").unlink()

    assert vault.decrypt(vault.encrypt(Secret("s"))) == Secret("s")
    with pytest.raises(InvalidToken):
        vault.decrypt(Vault([Vault.new_key()]).encrypt(Secret("s")))


def test_one_rotation_at_a_time(folder: Path):
    with (
        only_rotation(folder),
        pytest.raises(InvalidError, match="being rotated already"),
        only_rotation(folder),
    ):
        pytest.fail("rotated twice at once")


@pytest.fixture
def at_the_command_line(
    folder: Path, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNHOOK_DATABASE_URL", database_url)
    monkeypatch.setenv("RUNHOOK_DATA_DIR", str(folder))


def test_the_commands_prepare_rotate_and_list(
    at_the_command_line: None, file: KeyFile, capsys: pytest.CaptureFixture[str]
):
    (first,) = file.read()

    codes = [main(["keys", *words]) for words in (["rotate", "--prepare"], ["list"], ["rotate"])]

    said = capsys.readouterr().out.splitlines()
    newest, _ = file.read()
    assert codes == [0, 0, 0]
    assert said[0].startswith(f"Key {newest.fingerprint} is prepared. Copy master.key")
    assert said[1:3] == [
        f"{first.fingerprint}  in use    opens 0",
        f"{newest.fingerprint}  prepared  opens 0",
    ]
    assert said[3].startswith(f"Key {newest.fingerprint} is in use; 0 secrets were encrypted anew")


@pytest.mark.parametrize("words", [["list"], ["rotate"], ["rotate", "--prepare"]])
@pytest.mark.parametrize("content", [None, "not a key\n", ""])
def test_without_a_key_the_commands_say_so_and_change_nothing(
    at_the_command_line: None,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    content: str | None,
):
    path = folder / "master.key"
    path.unlink()
    if content is not None:
        path.write_text(content)

    code = main(["keys", *words])

    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert said.err.startswith("runhook keys: The ")
    assert str(path) in said.err
    assert [one.read_text() for one in folder.iterdir()] == ([] if content is None else [content])


async def opened(store: Store, file: KeyFile) -> list[int]:
    """How many secrets each of the keys opens."""
    uses = await uses_of(store, open_all(file), file.read())
    return [use.secrets for use in uses.keys]


def open_all(file: KeyFile) -> Vault:
    return Vault([key.text for key in file.read()])


async def test_keys_of_the_settings_are_rotated_by_putting_another_one_first(
    tenant: Tenant, service: Store, folder: Path, database_url: str
):
    webhook = await tenant.webhook()
    before = await secrets_of(service, webhook)
    (old,) = key_file(folder).read()
    new = MasterKey(Vault.new_key())
    environment = {
        "RUNHOOK_DATABASE_URL": database_url,
        "RUNHOOK_MASTER_KEY": f"{new.text.decode()},{old.text.decode()}",
    }

    rotated, listed, prepared = [
        await runhook("keys", *words, folder=folder, environment=environment)
        for words in (["rotate"], ["list"], ["rotate", "--prepare"])
    ]

    assert rotated.out.startswith(f"Key {new.fingerprint} is the first in RUNHOOK_MASTER_KEY; 1 ")
    assert listed.out.splitlines() == [
        f"{new.fingerprint}  in use    opens 1",
        f"{old.fingerprint}  reads     opens 0",
    ]
    assert (prepared.code, prepared.out) == (1, "")
    store = open_store(database_url, vault=Vault([new.text]))
    assert await secrets_of(store, webhook) == before
    await store.close()


def test_a_key_in_openssls_spelling_is_the_same_key():
    usual = Vault.new_key()
    other = usual.translate(bytes.maketrans(b"-_", b"+/"))

    assert given_keys(other.decode()) == given_keys(f" {usual.decode()}\n")
