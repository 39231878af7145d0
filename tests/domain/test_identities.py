"""What a provider's claims and groups mean here."""

from itertools import pairwise

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.numbers import LARGEST_ID
from runhook.domain.people.identities import (
    LONGEST_GROUP,
    LONGEST_SUBJECT,
    MOST_GROUPS,
    GroupRole,
    GroupRoles,
    Identity,
    PasswordUsers,
    SignInRefusedError,
    groups_in,
    identity_in,
    said_together,
)
from runhook.domain.people.permissions import Role
from runhook.domain.people.providers import check_issuer
from runhook.domain.people.users import LONGEST_NAME
from runhook.domain.runs.run import AccountId


def test_groups_are_read_with_their_accounts_and_roles():
    read = GroupRoles.parse("data-team=1:member, admins = 2 : admin,\nreaders=1:viewer")

    assert read.entries == (
        GroupRole("data-team", AccountId(1), Role.MEMBER),
        GroupRole("admins", AccountId(2), Role.ADMIN),
        GroupRole("readers", AccountId(1), Role.VIEWER),
    )
    assert read.accounts == {1, 2}


def test_a_groups_name_may_have_commas_and_equal_signs():
    (entry,) = GroupRoles.parse("cn=data,ou=groups,dc=example=1:owner").entries

    assert entry == GroupRole("cn=data,ou=groups,dc=example", AccountId(1), Role.OWNER)


@pytest.mark.parametrize(
    "text",
    [
        "data-team",
        "data-team=1",
        "=1:member",
        "a=0:member",
        "a=x:member",
        "a=1:boss",
        "a=99999999999999999999:member",
        "a=1:member, b",
    ],
)
def test_what_is_no_group_with_a_role_is_refused(text: str):
    with pytest.raises(InvalidError):
        GroupRoles.parse(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a=1:member, b ", "`b` is not GROUP=ACCOUNT:ROLE, as data-team=1:member"),
        ("a=1:boss", "`boss` is not a role: give one of owner, admin, member, viewer"),
    ],
)
def test_why_it_is_refused_is_said(text: str, sentence: str):
    with pytest.raises(InvalidError) as refused:
        GroupRoles.parse(text)

    assert refused.value.message == sentence


def test_a_group_may_be_of_the_account_with_the_largest_id():
    (entry,) = GroupRoles.parse(f"a={LARGEST_ID}:member").entries

    assert entry.account_id == LARGEST_ID


def test_of_several_groups_the_role_that_may_most_counts():
    groups = GroupRoles.parse("a=1:viewer, b=1:admin, c=1:member, d=2:owner")

    assert groups.roles_of({"a", "b", "c", "x"}) == {1: Role.ADMIN}
    assert groups.roles_of(set()) == {}


@pytest.mark.parametrize(("more", "less"), list(pairwise(Role)))
def test_a_role_that_may_more_counts_whichever_group_is_listed_first(more: Role, less: Role):
    for first, second in ((more, less), (less, more)):
        groups = GroupRoles.parse(f"a=1:{first}, b=1:{second}")
        assert groups.roles_of({"a", "b"}) == {1: more}


@pytest.mark.parametrize(
    ("claims", "name", "groups"),
    [
        ({"groups": ["a", "b", "a"]}, "groups", {"a", "b"}),
        ({"groups": "a"}, "groups", {"a"}),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", {"a"}),
        ({"https://example.com/groups": ["a"]}, "https://example.com/groups", {"a"}),
        ({"groups": {"a": True}}, "groups", set()),
        ({"groups": [1, None, {"a": 1}, "a" * 1_000]}, "groups", set()),
        ({"realm_access": "x"}, "realm_access.roles", set()),
        ({}, "groups", set()),
    ],
)
def test_groups_are_texts_in_a_claim(claims, name: str, groups: set[str]):
    assert groups_in(claims, name) == groups


def test_users_with_a_password_are_named_or_everybody():
    named = PasswordUsers.parse("Ada@Example.com, grace@example.com")

    assert named.include("ada@example.com")
    assert not named.include("mallory@example.com")
    assert PasswordUsers.parse("*").include("mallory@example.com")
    assert not PasswordUsers.parse("")
    assert PasswordUsers.parse("*")
    assert named
    with pytest.raises(InvalidError):
        PasswordUsers.parse("ada")


@pytest.mark.parametrize("text", ["https://login.example.com", "http://localhost:8080/realms/x"])
def test_an_issuer_is_https_or_on_this_machine(text: str):
    assert check_issuer(text) == text


@pytest.mark.parametrize(
    "text",
    ["http://login.example.com", "login.example.com", "https://a.example.com?b", "ftp://a", ""],
)
def test_other_addresses_are_no_issuer(text: str):
    with pytest.raises(InvalidError):
        check_issuer(text)


ISSUER = "https://login.example.com"
ADA = {"sub": "248289761001", "email": "Ada@Example.com", "name": "Ada Lovelace"}


def identity(**changed) -> Identity:
    return identity_in(ADA | changed, issuer=ISSUER, groups_claim="teams", provider="Example")


def test_a_person_is_whom_the_claims_name():
    assert identity(email_verified=True, teams=["data"]) == Identity(
        issuer=ISSUER,
        subject="248289761001",
        email="ada@example.com",
        is_email_verified=True,
        name="Ada Lovelace",
        groups=frozenset({"data"}),
    )


@pytest.mark.parametrize(
    ("said", "is_verified"),
    [(True, True), ("true", True), (False, False), ("false", False), (None, False), ("yes", False)],
)
def test_an_address_is_verified_only_where_the_provider_says_so(said, is_verified):
    assert identity(email_verified=said).is_email_verified is is_verified


@pytest.mark.parametrize("email", [None, "", 7, "ada", "a@b@example.com"])
def test_who_has_no_address_is_told_which_claim_is_missing(email):
    with pytest.raises(SignInRefusedError) as refused:
        identity(email=email)

    assert refused.value.message.startswith("Example ")
    assert refused.value.message.endswith("the claim `email` is missing.")


@pytest.mark.parametrize("subject", [None, "", 7, "x" * (LONGEST_SUBJECT + 1), "a\0b", "\ud800"])
def test_who_has_no_subject_is_nobody(subject):
    with pytest.raises(SignInRefusedError) as refused:
        identity(sub=subject)

    assert refused.value.message.startswith("Example ")
    assert refused.value.message.endswith("the claim `sub` is missing.")


def test_a_subject_may_be_as_long_as_the_standard_has_it():
    assert identity(sub="x" * LONGEST_SUBJECT).subject == "x" * LONGEST_SUBJECT
    assert identity(sub="x").subject == "x"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Ada  ", "Ada"),
        ("A" * (LONGEST_NAME + 1), "A" * LONGEST_NAME),
        (None, "ada"),
        ("  ", "ada"),
        (7, "ada"),
        ("Ada\u202e", "ada"),
    ],
)
def test_a_person_without_a_name_that_can_be_shown_is_called_as_the_mailbox(name, shown):
    assert identity(name=name).name == shown


def test_groups_are_bounded_in_number_and_length():
    many = [f"g{number}" for number in range(MOST_GROUPS + 1)]
    longest = "g" * LONGEST_GROUP

    assert groups_in({"groups": many}, "groups") == set(many[:MOST_GROUPS])
    assert groups_in({"groups": [longest, f"{longest}g"]}, "groups") == {longest}


@pytest.mark.parametrize(
    ("claims", "told", "email", "verified"),
    [
        ({"email": "a@x.org", "email_verified": True}, {}, "a@x.org", True),
        ({}, {"email": "a@x.org", "email_verified": True}, "a@x.org", True),
        ({"email": "a@x.org"}, {"email": "a@x.org", "email_verified": True}, "a@x.org", True),
        (
            {"email": "a@x.org", "email_verified": False},
            {"email": "a@x.org", "email_verified": True},
            "a@x.org",
            False,
        ),
        ({"email": "a@x.org"}, {"email": "b@x.org", "email_verified": True}, "a@x.org", None),
        ({"email_verified": True}, {"email": "b@x.org"}, "b@x.org", None),
    ],
)
def test_an_address_is_verified_by_the_place_that_names_it(claims, told, email, verified):
    both = said_together(claims, told)

    assert (both["email"], both["email_verified"]) == (email, verified)


def test_the_id_token_counts_before_the_user_info():
    assert said_together({"name": "Ada"}, {"name": "A.", "sub": "1"}) == {
        "name": "Ada",
        "sub": "1",
        "email_verified": None,
    }
