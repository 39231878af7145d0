"""Give the master key a successor, while the service runs.

Nothing is ever encrypted with a key that a reader could not have: the file changes first, and every
process reads it anew before it encrypts, and when something does not open.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from runhook.domain.errors import InvalidError
from runhook.operations.commits.repeating import repeats_contended
from runhook.storage.engine.store import Store
from runhook.storage.engine.vault import Vault
from runhook.storage.service.ciphertexts import (
    PLACES,
    CipherPlace,
    Ciphertexts,
    RowKey,
    list_ciphertexts,
    lock_ciphertexts,
    replace_ciphertexts,
)
from runhook.storage.service.data_folder import renew_master_key_check
from runhook.storage.service.key_file import KeyFile, MasterKey

BATCH = 200
"""How many rows one transaction encrypts anew."""
KEPT = 2
"""The key in use, and the one before it, for work that was under way at the rotation."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key of the file, and how many of the database's secrets it opens."""

    key: MasterKey
    secrets: int


@dataclass(frozen=True, slots=True)
class Rotated:
    """Result of a rotation."""

    key: MasterKey
    encrypted: int
    """How many secrets were encrypted anew."""
    dropped: int
    """How many keys nothing needed any more."""
    lost: int
    """How many secrets none of the keys opens."""


def prepare_key(file: KeyFile) -> MasterKey:
    """Add the next key to the file, not yet in use, so that the file can be copied to replicas.

    Raises:
        InvalidError: the file cannot be read, or has a prepared key already.
    """
    keys = file.read()
    if any(key.is_prepared for key in keys):
        raise InvalidError("A key is prepared already; `runhook keys rotate` takes it into use.")
    prepared = MasterKey(Vault.new_key(), is_prepared=True)
    file.replace([*keys, prepared])
    return prepared


async def encrypt_with_first(
    store: Store, keys: Sequence[MasterKey], *, batch: int = BATCH
) -> tuple[int, "KeyUses"]:
    """Encrypt with the first of these keys what the others open.

    Returns:
        how many secrets were encrypted anew, and what each key opens then.

    Raises:
        UnavailableError: the database cannot be reached.
    """
    vault = Vault([key.text for key in keys])
    encrypted = await encrypt_anew(store, vault, batch)
    await renew_master_key_check(store, vault)
    return encrypted, await uses_of(store, vault, keys, batch=batch)


async def rotate_keys(store: Store, file: KeyFile, *, batch: int = BATCH) -> Rotated:
    """Take the prepared key into use, or else a new one, and encrypt everything with it.

    Stopped half-way, it leaves everything readable, and can be begun again.

    Raises:
        InvalidError: the file cannot be read.
        UnavailableError: the database cannot be reached.
    """
    keys = file.read()
    prepared = next((key for key in keys if key.is_prepared), MasterKey(Vault.new_key()))
    newest = replace(prepared, is_prepared=False)
    keys = [newest, *(key for key in keys if not key.is_prepared)]
    file.replace(keys)
    encrypted, uses = await encrypt_with_first(store, keys, batch=batch)
    needed = [
        use.key for position, use in enumerate(uses.keys) if position < KEPT or use.secrets > 0
    ]
    if len(needed) < len(keys):
        file.replace(needed)
    return Rotated(key=newest, encrypted=encrypted, dropped=len(keys) - len(needed), lost=uses.lost)


async def encrypt_anew(store: Store, vault: Vault, batch: int) -> int:
    """Encrypt with the vault's newest key what another of its keys opens; return how much."""
    total = 0
    for place in PLACES:
        after, is_more = place.before_all, True
        while is_more:
            found, encrypted = await encrypt_some(store, vault, place, after, batch)
            total += encrypted
            is_more = len(found) == batch
            after = found[-1].key if found else after
    return total


@repeats_contended
async def encrypt_some(
    store: Store, vault: Vault, place: CipherPlace, after: RowKey, batch: int
) -> tuple[Sequence[Ciphertexts], int]:
    """Encrypt a batch anew; return what was there, and how much of it was replaced."""
    async with store.write() as tx:
        found = await lock_ciphertexts(tx, place, after=after, limit=batch)
        replaced = [(one, moved_to_newest(one, vault)) for one in found]
        changed = [new for old, new in replaced if new != old]
        await replace_ciphertexts(tx, place, changed)
    return found, sum(
        old.by_column[name] != text for old, new in replaced for name, text in new.by_column.items()
    )


def moved_to_newest(found: Ciphertexts, vault: Vault) -> Ciphertexts:
    """Encrypt ciphertexts of older keys with the newest one; lost ones stay as they are."""
    return Ciphertexts(
        found.key,
        {
            name: vault.encrypt(vault.decrypt(text)) if vault.position_of(text) else text
            for name, text in found.by_column.items()
        },
    )


@dataclass(frozen=True, slots=True)
class KeyUses:
    """Which of the database's secrets the keys open."""

    keys: Sequence[KeyUse]
    lost: int


async def uses_of(
    store: Store, vault: Vault, keys: Sequence[MasterKey], *, batch: int = BATCH
) -> KeyUses:
    """Count what each of the vault's keys opens.

    Raises:
        UnavailableError: the database cannot be reached.
    """
    counts: Counter[int | None] = Counter()
    async for found in every_batch(store, batch):
        counts.update(vault.position_of(text) for one in found for text in one.by_column.values())
    return KeyUses(
        [KeyUse(key, counts[position]) for position, key in enumerate(keys)], counts[None]
    )


async def every_batch(store: Store, batch: int) -> AsyncIterator[Sequence[Ciphertexts]]:
    """Yield everything that is encrypted, in batches."""
    for place in PLACES:
        after, is_more = place.before_all, True
        while is_more:
            async with store.read() as tx:
                found = await list_ciphertexts(tx, place, after=after, limit=batch)
            yield found
            is_more = len(found) == batch
            after = found[-1].key if found else after
