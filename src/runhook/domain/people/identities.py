"""Who an identity provider says somebody is, and what its groups are in our accounts."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runhook.domain.errors import ForbiddenError, InvalidError
from runhook.domain.names import is_shown
from runhook.domain.numbers import LARGEST_ID
from runhook.domain.people.permissions import Role
from runhook.domain.people.users import LONGEST_NAME, check_email
from runhook.domain.runs.run import AccountId

LONGEST_SUBJECT = 255
"""OpenID Connect Core 1.0, section 2."""
LONGEST_GROUP = 512
MOST_GROUPS = 1_000
"""Of one person; what a provider lists beyond them is not read."""
GROUP = re.compile(
    r"\s*(?P<group>.+?)\s*=\s*(?P<account>[1-9][0-9]{0,18})\s*:\s*(?P<role>[a-z]+)\s*(?:[,\n]|$)",
    re.DOTALL,
)


class SignInRefusedError(ForbiddenError):
    """You cannot sign in this way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person, as a provider vouches for them at a sign-in."""

    issuer: str
    subject: str
    """The provider's id of them: with the issuer it is theirs for ever."""
    email: str
    """As `check_email` returns it."""
    is_email_verified: bool
    """Whether the provider has made sure that the mailbox is theirs."""
    name: str
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class GroupRole:
    """The role that a group's members have in an account."""

    group: str
    account_id: AccountId
    role: Role


@dataclass(frozen=True, slots=True)
class GroupRoles:
    """What a provider's groups are in our accounts."""

    entries: tuple[GroupRole, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "GroupRoles":
        """Read `GROUP=ACCOUNT:ROLE` with commas or line ends between them.

        A group's name may itself hold commas and equal signs, as names of LDAP do: an entry ends
        with the role.

        Raises:
            InvalidError: a part has another form, or names no role.
        """
        return cls(tuple(group_roles_in(text)))

    @property
    def accounts(self) -> frozenset[AccountId]:
        """Accounts in which groups alone say who is a member."""
        return frozenset(entry.account_id for entry in self.entries)

    def roles_of(self, groups: Collection[str]) -> Mapping[AccountId, Role]:
        """Role in each account of somebody in these groups: the one that may most."""
        roles: dict[AccountId, Role] = {}
        for entry in self.entries:
            if entry.group in groups:
                known = roles.get(entry.account_id, entry.role)
                roles[entry.account_id] = min(known, entry.role, key=RANKS.index)
        return roles


RANKS = tuple(Role)
"""The role that may most is the first."""


def group_roles_in(text: str) -> Iterator[GroupRole]:
    """Read the entries of the setting."""
    at = 0
    while text[at:].strip():
        entry = GROUP.match(text, at)
        if entry is None or int(entry["account"]) > LARGEST_ID:
            raise InvalidError(
                f"`{text[at:].strip()}` is not GROUP=ACCOUNT:ROLE, as data-team=1:member"
            )
        try:
            role = Role(entry["role"])
        except ValueError:
            known = ", ".join(RANKS)
            raise InvalidError(f"`{entry['role']}` is not a role: give one of {known}") from None
        yield GroupRole(entry["group"], AccountId(int(entry["account"])), role)
        at = entry.end()


@dataclass(frozen=True, slots=True)
class PasswordUsers:
    """Who may sign in with a password where people sign in in another way."""

    emails: frozenset[str] = frozenset()
    is_everybody: bool = False

    @classmethod
    def parse(cls, text: str) -> "PasswordUsers":
        """Read e-mail addresses with commas between them; `*` is everybody.

        Raises:
            InvalidError: a part is not an e-mail address.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        emails = frozenset(check_email(part) for part in parts if part != "*")
        return cls(emails, is_everybody="*" in parts)

    def include(self, email: str) -> bool:
        """Whether the user with this e-mail address is among them."""
        return self.is_everybody or email in self.emails

    def __bool__(self) -> bool:
        return self.is_everybody or bool(self.emails)


EVERYBODY = PasswordUsers(is_everybody=True)


def said_together(claims: Mapping[str, object], told: Mapping[str, object]) -> Mapping[str, object]:
    """What a provider says of somebody in both places; the ID token counts before the user info.

    An address is verified only by what names it itself: the other place may mean another address.

    Args:
        claims: of the ID token.
        told: by the user info.
    """
    email = claims.get("email", told.get("email"))
    verified = [one.get("email_verified") for one in (claims, told) if one.get("email") == email]
    first = next((one for one in verified if one is not None), None)
    return {**told, **claims, "email_verified": first}


def identity_in(
    claims: Mapping[str, object], *, issuer: str, groups_claim: str, provider: str
) -> Identity:
    """Read who somebody is from claims that were verified.

    Args:
        claims: of the ID token and of the provider's user info.
        issuer: the provider.
        groups_claim: the name of the claim that lists groups; dots lead into objects.
        provider: what people call it.

    Raises:
        SignInRefusedError: there is no subject or no e-mail address.
    """
    email = claims.get("email")
    try:
        email = check_email(email if isinstance(email, str) else "")
    except InvalidError:
        raise SignInRefusedError(
            f"{provider} sends no e-mail address of yours, by which Runhook names people: "
            "the claim `email` is missing."
        ) from None
    return Identity(
        issuer=issuer,
        subject=subject_in(claims, provider),
        email=email,
        # Some providers send it as a text.
        is_email_verified=claims.get("email_verified") in (True, "true"),
        name=name_claimed(claims, email),
        groups=groups_in(claims, groups_claim),
    )


def subject_in(claims: Mapping[str, object], provider: str) -> str:
    """The provider's id of somebody.

    Raises:
        SignInRefusedError: there is none.
    """
    subject = claims.get("sub")
    is_valid = isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT
    if not is_valid or not str(subject).isprintable():
        raise SignInRefusedError(
            f"{provider} does not say who you are: the claim `sub` is missing."
        )
    return str(subject)


def name_claimed(claims: Mapping[str, object], email: str) -> str:
    """What somebody is called: their name, or else what is before the `@`."""
    name = claims.get("name")
    shown = name.strip()[:LONGEST_NAME] if isinstance(name, str) else ""
    return shown if shown and all(map(is_shown, shown)) else email.partition("@")[0]


def groups_in(claims: Mapping[str, object], name: str) -> frozenset[str]:
    """Groups in a claim; a text is the only one."""
    found = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    listed: Sequence[object] = [found] if isinstance(found, str) else []
    if isinstance(found, list):
        listed = found[:MOST_GROUPS]
    return frozenset(one for one in listed if isinstance(one, str) and len(one) <= LONGEST_GROUP)
