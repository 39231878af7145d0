"""A proxy that signs people in names one user, in a form that leaves no doubt."""

import pytest

from runhook.domain.people.identities import (
    LONGEST_GROUP,
    MOST_GROUPS,
    Identity,
    SignInRefusedError,
)
from runhook.domain.people.proxy_names import ISSUER, LONGEST_GROUPS, identity_named
from runhook.domain.people.users import LONGEST_EMAIL

ADA = "ada@example.com"
UNCLEAR = "The proxy before this service names several users, or none."
NO_ADDRESS = "The proxy before this service names a user by something else than an e-mail address."
STRANGE_GROUPS = "The proxy before this service names groups in a form that is not believed."


def test_a_user_and_groups_are_believed():
    assert identity_named(["Ada@Example.com"], ["dbt-admins, analysts,,dbt-admins"]) == Identity(
        issuer=ISSUER,
        subject=ADA,
        email=ADA,
        is_email_verified=True,
        name="ada",
        groups=frozenset({"dbt-admins", "analysts"}),
    )


def test_without_a_header_there_are_no_groups():
    assert identity_named([ADA], []).groups == frozenset()


def test_an_address_of_the_most_characters_is_one():
    longest = "a" * (LONGEST_EMAIL - len("@example.com")) + "@example.com"

    assert identity_named([longest], []).email == longest


@pytest.mark.parametrize(
    ("users", "sentence"),
    [
        ([], UNCLEAR),
        ([ADA, ADA], UNCLEAR),
        ([f"{ADA},root@example.com"], UNCLEAR),
        (["ada"], NO_ADDRESS),
        (["\u00e4da@example.com"], NO_ADDRESS),
        (["a" * LONGEST_EMAIL + "@example.com"], NO_ADDRESS),
    ],
)
def test_a_user_in_doubt_is_refused(users: list[str], sentence: str):
    with pytest.raises(SignInRefusedError) as refused:
        identity_named(users, [])

    assert refused.value.message == sentence


@pytest.mark.parametrize(
    "groups", [["a", "b"], ["x" * (LONGEST_GROUPS + 1)], ["dbt-\u00e4dmins"], ["a", ""]]
)
def test_groups_in_doubt_are_refused(groups: list[str]):
    with pytest.raises(SignInRefusedError) as refused:
        identity_named([ADA], groups)

    assert refused.value.message == STRANGE_GROUPS


def test_groups_beyond_the_bounds_are_left_out():
    longest, many = "x" * LONGEST_GROUP, ",".join(f"g{n}" for n in range(MOST_GROUPS + 1))

    assert identity_named([ADA], [f"{longest},{longest}x"]).groups == {longest}
    assert identity_named([ADA], [many]).groups == {f"g{n}" for n in range(MOST_GROUPS)}
    assert identity_named([ADA], ["a, ,b,"]).groups == {"a", "b"}
    assert identity_named([ADA], [" " * LONGEST_GROUPS]).groups == frozenset()
