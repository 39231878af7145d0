"""Somebody's visit to an account's pages: who they are there, and what they may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Template
from litestar.types import Scope

from runhook.domain.errors import NotFoundError
from runhook.domain.people.callers import ActorKind, Caller
from runhook.domain.people.permissions import Permission
from runhook.domain.people.users import UserId
from runhook.domain.runs.run import AccountId
from runhook.server.services import Serving
from runhook.server.web.page.rendering import page
from runhook.storage.people.accounts import Account, find_account
from runhook.storage.people.users import Membership, memberships_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A caller in an account, with the account and the others that they could go to."""

    caller: Caller
    account: Account
    memberships: Sequence[Membership]
    """Empty for a token, which is in one account and needs no list."""
    retention_days: int

    @property
    def account_id(self) -> AccountId:
        """The account's id."""
        return self.account.id

    @property
    def root(self) -> str:
        """The path that this account's pages begin with."""
        return f"/accounts/{self.account.id}"

    @property
    def email(self) -> str:
        """Who visits, as the audit log calls them."""
        return self.caller.actor.name

    def may(self, permission: str) -> bool:
        """Whether the visitor may do something, in the permission's own words."""
        return Permission(permission) in self.caller.permissions

    def page(
        self,
        name: str,
        *,
        section: str,
        status_code: int = 200,
        **context: Any,
    ) -> Template:
        """Render a page of the account; ``section`` is its place in the navigation."""
        return page(
            name,
            visit=self,
            section=section,
            status_code=status_code,
            retention_days=self.retention_days,
            **context,
        )


VISIT = "visit"
"""In the state of a request, for the page of an error that happens later."""


async def provide_visit(scope: Scope, services: Serving) -> Visit:
    """The visit of a request to an account's page."""
    caller: Caller = scope["user"]
    async with services.store.read() as tx:
        account = await find_account(tx, AccountId(caller.account_id))
        memberships: Sequence[Membership] = ()
        if caller.actor.kind is ActorKind.USER and caller.actor.id is not None:
            memberships = await memberships_of(tx, UserId(caller.actor.id))
    if account is None:
        raise NotFoundError
    visit = Visit(
        caller=caller,
        account=account,
        memberships=memberships,
        retention_days=services.retention.days,
    )
    scope["state"][VISIT] = visit
    return visit


Visiting = NamedDependency[SkipValidation[Visit]]
