"""What a provider's claims and groups mean here."""

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.people.identities import (
    GroupRole,
    GroupRoles,
    PasswordUsers,
    groups_in,
)
from runhook.domain.people.permissions import Role
from runhook.domain.people.providers import check_issuer
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


def test_of_several_groups_the_role_that_may_most_counts():
    groups = GroupRoles.parse("a=1:viewer, b=1:admin, c=1:member, d=2:owner")

    assert groups.roles_of({"a", "b", "c", "x"}) == {1: Role.ADMIN}
    assert groups.roles_of(set()) == {}


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
