"""What a user has to say of themselves, and who may be what in an account."""

from datetime import UTC, datetime, timedelta

import pytest

from runhook.domain.errors import ConflictError, ForbiddenError, InvalidError
from runhook.domain.people.permissions import Role
from runhook.domain.people.users import (
    SignInMethod,
    check_email,
    check_new_password,
    check_person_name,
    check_role_change,
    session_end,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada@EXAMPLE.com\n", "ada@example.com"),
        ("ada+tag@mail.example.com", "ada+tag@mail.example.com"),
        ("ada@localhost", "ada@localhost"),
        ("ZO\u0308E@example.com", "z\u00f6e@example.com"),
        ("a" * 242 + "@example.com", "a" * 242 + "@example.com"),
    ],
)
def test_an_e_mail_address_is_kept_in_one_form(written: str, kept: str):
    assert check_email(written) == kept


@pytest.mark.parametrize(
    "written",
    ["", "ada", "@", "ada@", "@example.com", "a@b@c", "a b@c", "a\x00@b", "a\n@b", "a\ud800@b"],
)
def test_what_cannot_be_an_e_mail_address_is_refused(written: str):
    with pytest.raises(InvalidError, match=r"^email: give an e-mail address") as refused:
        check_email(written)

    assert (refused.value.field, refused.value.sentence[:4]) == ("email", "give")


def test_an_e_mail_address_has_254_characters_at_most():
    with pytest.raises(InvalidError, match="254"):
        check_email("a" * 243 + "@example.com")


def test_a_name_loses_the_spaces_around_it():
    assert check_person_name(" Ada Lovelace ") == "Ada Lovelace"
    assert check_person_name("x" * 255) == "x" * 255
    assert check_person_name("\u827e\u8fbe \U0001f9ee") == "\u827e\u8fbe \U0001f9ee"


@pytest.mark.parametrize("name", ["", " ", "x" * 256, "a\x00b", "a\nb", "\u202eada", "\ud800"])
def test_a_name_that_is_none_is_refused(name: str):
    with pytest.raises(InvalidError, match=r"^name: "):
        check_person_name(name)


@pytest.mark.parametrize("length", [12, 1_024])
def test_a_password_is_whatever_is_long_enough(length: int):
    assert check_new_password("\U0001f511" * length)
    assert check_new_password(" " * length) == " " * length


@pytest.mark.parametrize("length", [0, 11, 1_025])
def test_a_password_that_is_too_short_or_too_long_is_refused_without_showing_it(length: int):
    with pytest.raises(InvalidError, match=r"^password: \d+ characters at ") as refused:
        check_new_password("x" * length)

    assert "xx" not in refused.value.message


@pytest.mark.parametrize(
    ("age", "end"),
    [
        (timedelta(), timedelta(days=14)),
        (timedelta(days=13), timedelta(days=27)),
        (timedelta(days=76), timedelta(days=90)),
        (timedelta(days=80), timedelta(days=90)),
    ],
)
def test_a_session_ends_14_days_after_its_last_use_and_90_after_its_beginning(
    age: timedelta, end: timedelta
):
    assert session_end(NOON, NOON + age) == NOON + end


@pytest.mark.parametrize("who", [Role.ADMIN, Role.MEMBER, Role.VIEWER])
@pytest.mark.parametrize(
    ("before", "after"),
    [(Role.OWNER, Role.ADMIN), (Role.OWNER, None), (Role.VIEWER, Role.OWNER), (None, Role.OWNER)],
)
def test_only_owners_make_and_remove_owners(who: Role, before: Role | None, after: Role | None):
    check_role_change(Role.OWNER.permissions, before=before, after=after, owners=2)

    with pytest.raises(ForbiddenError, match=r"^Only an owner can make or remove an owner\.$"):
        check_role_change(who.permissions, before=before, after=after, owners=2)


@pytest.mark.parametrize("after", [None, Role.ADMIN, Role.VIEWER])
def test_the_last_owner_stays_one(after: Role | None):
    with pytest.raises(
        ConflictError,
        match=r"^This is the account.s last owner; make another member an owner first\.$",
    ):
        check_role_change(Role.OWNER.permissions, before=Role.OWNER, after=after, owners=1)


def test_the_last_owner_can_be_made_what_they_are():
    check_role_change(Role.OWNER.permissions, before=Role.OWNER, after=Role.OWNER, owners=1)


@pytest.mark.parametrize(
    ("check", "given", "field", "sentence"),
    [
        (check_email, "a" * 243 + "@example.com", "email", "254 characters at most"),
        (check_person_name, " ", "name", "give a name"),
        (check_person_name, "x" * 256, "name", "255 characters at most"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(check, given: str, field: str, sentence: str):
    with pytest.raises(InvalidError) as refused:
        check(given)

    assert (refused.value.field, refused.value.sentence) == (field, sentence)


@pytest.mark.parametrize("method", [SignInMethod.PROVIDER, SignInMethod.PROXY])
def test_who_is_vouched_for_is_asked_again_after_a_day(method: SignInMethod):
    assert session_end(NOON, NOON, method) == NOON + timedelta(days=1)
