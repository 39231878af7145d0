"""What a change is made with: whose it is, where it is written, and what it is checked against."""

from dataclasses import dataclass

from runhook.clock import Clock
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.people.callers import Actor
from runhook.domain.people.quotas import DEFAULT_QUOTAS, Quotas
from runhook.storage.engine.store import Store

PUBLIC_ADDRESSES = AddressPolicy()


@dataclass(frozen=True, slots=True)
class Context:
    """The store, clock and actor of a change, with the service's limits."""

    store: Store
    clock: Clock
    """Dates the change."""
    actor: Actor
    """In whose name it is made, and noted in the audit log."""
    policy: AddressPolicy = PUBLIC_ADDRESSES
    """Says which addresses a webhook may have."""
    quotas: Quotas = DEFAULT_QUOTAS
    """How much an account may have."""
