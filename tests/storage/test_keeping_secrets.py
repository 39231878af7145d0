"""A webhook's secret cannot be read from the database without the master key."""

from datetime import timedelta
from pathlib import Path

import pytest

from runhook.domain.webhooks.signature import Secret
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import metadata, webhooks
from runhook.storage.engine.vault import LOCKED, Vault
from runhook.storage.service.data_folder import open_vault
from runhook.storage.webhooks.rows import find_endpoints, newest_secret_opens
from tests.support.accounts import Tenant, a_tenant, rows_of
from tests.support.databases import open_store

SECRET = Secret.from_bytes(b"open sesame, open sesame, please")


async def test_no_column_holds_the_secret(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    await tenant.start()
    secret = tenant.secrets[webhook.id]
    forms = [secret.reveal(), secret.reveal().removeprefix("whsec_"), repr(secret.standard_key())]

    for table in metadata.sorted_tables:
        printed = repr(await rows_of(store, table))
        assert [form for form in forms if form in printed] == []


async def test_no_file_holds_the_secret(tenant: Tenant, store: Store, tmp_path: Path):
    webhook = await tenant.webhook()
    secret = tenant.secrets[webhook.id]

    # On PostgreSQL there is no file of ours, and nothing to find.
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    for content in files.values():
        assert secret.authorization_key() not in content
        assert secret.standard_key() not in content


async def test_whoever_sends_gets_the_secret_back(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()

    async with store.read() as tx:
        endpoint = (await find_endpoints(tx, [webhook.id]))[webhook.id]

    assert endpoint.secrets == (tenant.secrets[webhook.id],)


async def test_a_deleted_webhook_has_no_secret_any_more(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()

    await tenant.remove(webhook)

    (row,) = await rows_of(store, webhooks)
    assert row.secret_ciphertext is None


async def test_a_stolen_database_is_of_no_use_without_the_master_key(
    tenant: Tenant, store: Store, database_url: str
):
    webhook = await tenant.webhook()
    thief = open_store(database_url, vault=Vault([Vault.new_key()]))

    async with thief.read() as tx:
        endpoint = (await find_endpoints(tx, [webhook.id]))[webhook.id]
    await thief.close()

    assert endpoint.is_sealed
    assert endpoint.secrets == ()


async def test_it_is_told_whether_the_newest_secret_opens_with_the_key_at_hand(
    tenant: Tenant, store: Store, database_url: str
):
    other = open_store(database_url, vault=Vault([Vault.new_key()]))

    async def opens(with_key_of: Store) -> bool:
        async with with_key_of.read() as tx:
            return await newest_secret_opens(tx)

    none_yet = [await opens(store), await opens(other)]
    await tenant.webhook()
    one = [await opens(store), await opens(other)]
    tenant.clock.advance(timedelta(seconds=1))
    await (await a_tenant(other, tenant.clock, account_id=2)).webhook()
    two = [await opens(store), await opens(other)]
    await other.close()

    assert none_yet == [True, True]
    assert one == [True, False]
    assert two == [False, True]


def test_a_vault_without_keys_gives_nothing_away():
    written = Vault([Vault.new_key()]).encrypt(SECRET)

    with pytest.raises(ValueError, match="at least one"):
        LOCKED.decrypt(written)
    with pytest.raises(ValueError, match="at least one"):
        LOCKED.encrypt(SECRET)


def test_equal_secrets_do_not_look_equal():
    vault = Vault([Vault.new_key()])

    assert vault.encrypt(SECRET) != vault.encrypt(SECRET)


def test_a_new_master_key_still_reads_what_the_old_one_wrote():
    old, new = Vault.new_key(), Vault.new_key()
    written = Vault([old]).encrypt(SECRET)

    assert Vault([new, old]).decrypt(written) == SECRET


def test_the_data_folders_key_stays_the_same_and_is_its_owners_alone(tmp_path: Path):
    written = open_vault(tmp_path).encrypt(SECRET)

    assert open_vault(tmp_path).decrypt(written) == SECRET
    assert [(path.name, oct(path.stat().st_mode & 0o777)) for path in tmp_path.iterdir()] == [
        ("master.key", "0o600")
    ]
