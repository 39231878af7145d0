"""Accounts as JSON: dbt Cloud's keys, with ours behind."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from runhook.domain.messages.telling import PayloadVersion
from runhook.operations.people.accounts import AccountChange
from runhook.server.api.wire import value_or_none
from runhook.storage.people.accounts import Account


class AccountOut(Struct, kw_only=True):
    """An account; what dbt Cloud counts and sells is not here, and its keys are null."""

    id: int
    name: str
    identifier: str
    state: int = 1
    """dbt Cloud's word for active."""
    plan: str | None = None
    pending_cancel: bool = False
    locked: bool = False
    lock_reason: str | None = None
    unlocked_at: datetime | None = None
    run_slots: int | None = None
    developer_seats: int | None = None
    read_only_seats: int | None = None
    created_at: datetime
    updated_at: datetime
    default_payload_version: PayloadVersion


def shown_account(account: Account) -> AccountOut:
    """Show an account."""
    return AccountOut(
        id=account.id,
        name=account.name,
        identifier=account.identifier,
        created_at=account.created_at,
        updated_at=account.created_at,
        default_payload_version=account.default_payload_version,
    )


class AccountIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """What shall be different of an account; keys that are left out keep their value."""

    name: str | UnsetType = UNSET
    default_payload_version: PayloadVersion | UnsetType = UNSET

    def to_change(self) -> AccountChange:
        """The requested change."""
        return AccountChange(
            name=value_or_none(self.name),
            default_payload_version=value_or_none(self.default_payload_version),
        )
