"""An option's declaration says how its value is read, written, masked and audited."""

from dataclasses import dataclass
from enum import StrEnum

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import (
    MASK,
    Null,
    Use,
    changed,
    masked,
    masks_in,
    option,
    options_in,
    renewed,
    unmasked,
    written,
)
from runhook.domain.options.kinds import (
    Choice,
    Flag,
    Number,
    Numbers,
    Parts,
    SecretText,
    Several,
    Text,
    Texts,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def shorter_than_five(text: str) -> str:
    if len(text) >= 5:
        raise InvalidError("it is too long")
    return text


TITLES = {one: one.title() for one in Colour}
COLOURS = Several(words=Colour, titles={one: (one.title(), "") for one in Colour})


@dataclass(frozen=True, kw_only=True)
class Login:
    user: str = option("", Text(shorter_than_five), label="User")
    password: str = option("", SecretText(shorter_than_five), label="Password")


@dataclass(frozen=True, kw_only=True)
class Settings:
    is_loud: bool = option(False, Flag("Loud"), label="Volume", use=Use.ALWAYS)  # noqa: FBT003 - its default
    colour: Colour = option(Colour.RED, Choice(Colour, TITLES), label="Colour", null=Null.KEEPS)
    key: str = option("", SecretText(shorter_than_five), label="Key", audited_renewals="new_keys")
    login: Login | None = option(
        None, Parts(Login, lambda login: login), label="Login", audited_as="credentials"
    )


FULL = Settings(is_loud=True, key="k1", login=Login(user="me", password="pw"))
SHOWN = Settings(is_loud=True, key=MASK, login=Login(user="me", password=MASK))


def refusal(read, *given: object) -> str:
    with pytest.raises(InvalidError) as error:
        read(*given)
    return error.value.message


def test_values_are_read_by_name_and_others_stay():
    read = changed(FULL, {"colour": "blue", "key": "k2"})

    assert read == Settings(
        is_loud=True, colour=Colour.BLUE, key="k2", login=Login(user="me", password="pw")
    )


def test_null_is_the_default():
    assert changed(FULL, {"is_loud": None, "key": None, "login": None}) == Settings()


def test_what_is_written_is_read_as_it_was():
    assert written(FULL) == {
        "is_loud": True,
        "colour": "red",
        "key": "k1",
        "login": {"user": "me", "password": "pw"},
    }
    assert changed(Settings(), written(FULL)) == FULL
    assert written(Settings())["login"] is None


def test_a_value_that_is_wrong_is_named_by_its_path():
    assert refusal(changed, FULL, {"login": {"user": "toolong"}}) == "login.user: it is too long"
    assert refusal(changed, FULL, {"key": "toolong"}) == "key: it is too long"
    assert refusal(changed, FULL, {"colour": "green"}) == (
        "colour: `green` is unknown; choose from `red`, `blue`"
    )


def test_secrets_are_masked_wherever_they_are_and_nothing_else():
    assert masked(FULL) == SHOWN
    assert masked(Settings()) == Settings()
    assert "pw" not in repr(FULL)
    assert "k1" not in repr(FULL)
    assert "me" not in repr(FULL), "an option with secrets is left out as a whole"


def test_masks_are_listed_by_their_paths():
    assert masks_in(SHOWN) == ["key", "login.password"]
    assert masks_in(FULL) == []


def test_a_mask_stands_for_the_value_that_is_there():
    assert unmasked(SHOWN, FULL) == FULL
    assert unmasked(FULL, Settings()) == FULL


def test_a_mask_where_nothing_is_there_is_refused_by_its_path():
    words = f"there is no value yet; `{MASK}` only keeps one that is there"

    assert refusal(unmasked, Settings(key=MASK), Settings()) == f"key: {words}"
    assert refusal(unmasked, SHOWN, Settings(key="k1")) == f"login.password: {words}"


def test_secrets_that_got_another_value_are_listed_by_their_paths():
    other = Settings(key="k2", login=Login(user="me", password="pw2"))

    assert renewed(FULL, other) == ["key", "login.password"]
    assert renewed(FULL, FULL) == []
    assert renewed(Settings(), FULL) == [], "one that is set for the first time is not another one"
    assert renewed(FULL, Settings(login=Login(user="me"))) == []


def test_the_audit_log_shows_no_secret():
    audited = {one.audited_as: one.audited(getattr(FULL, one.name)) for one in options_in(Settings)}

    assert audited == {
        "is_loud": True,
        "colour": "red",
        "key": MASK,
        "credentials": {"user": "me", "password": MASK},
    }
    (login,) = (one for one in options_in(Settings) if one.name == "login")
    assert login.audited(None) is None


def test_an_option_has_what_it_was_declared_with_and_names_in_the_audit_log():
    is_loud, colour, key, login = options_in(Settings)

    assert (is_loud.label, is_loud.hint, is_loud.help) == ("Volume", "", "")
    assert [one.use for one in (is_loud, colour)] == [Use.ALWAYS, Use.SENDING]
    assert [one.null for one in (is_loud, colour)] == [Null.RESETS, Null.KEEPS]
    assert [one.is_advanced for one in (is_loud, colour, key, login)] == [False] * 4
    assert [one.default for one in (is_loud, colour, key, login)] == [False, Colour.RED, "", None]
    assert (login.audited_as, login.audited_renewals) == ("credentials", "new_login_values")
    assert (key.audited_as, key.audited_renewals) == ("key", "new_keys")
    assert [one.kind.has_secrets for one in (is_loud, colour, key, login)] == [
        *(False, False),
        *(True, True),
    ]


def test_words_are_read_once_each_in_their_order():
    assert COLOURS.read(["blue", "red", "blue"]) == (Colour.BLUE, Colour.RED)
    assert COLOURS.write((Colour.BLUE,)) == ["blue"]
    assert refusal(COLOURS.read, ["x" * 100]) == (
        f"`{'x' * 80}` is unknown; choose from `red`, `blue`"
    )


def test_texts_are_a_line_each_in_the_form():
    texts = Texts(shorter_than_five, most=2)

    assert texts.understand(" a \n\n b\n") == ["a", "b"]
    assert texts.read(["b", "a"]) == ("b", "a")
    assert texts.read(["a", "a"]) == ("a",)
    assert texts.show(texts.write(("a", "b"))) == "a\nb"
    assert refusal(texts.read, ["a", "b", "c"]) == "3 are too many; 2 at most"
    assert refusal(texts.read, ["a", "toolong"]) == "it is too long"


def test_numbers_have_commas_between_them_and_a_word_for_none():
    numbers = Numbers(tuple, list, empty="none")

    assert numbers.understand(" 1, 2.5 ,x") == ["1", "2.5", "x"]
    assert numbers.understand(" NONE ") == []
    assert numbers.read([1, 2]) == (1, 2)
    assert numbers.write((1, 2.5)) == [1, 2.5]
    assert numbers.show([1.0, 2.5]) == "1, 2.5"
    assert numbers.show([]) == "none"


def test_a_number_is_written_without_a_point_where_it_needs_none():
    number = Number(lambda given: given * 2, lambda value: value / 2)

    assert number.read(1.5) == 3.0
    assert [repr(number.write(one)) for one in (3.0, 4.0)] == ["1.5", "2"]
    assert [number.show(one) for one in (1.5, 2.0)] == ["1.5", "2"]
    assert number.understand("1.5") == 1.5
    assert refusal(number.understand, "x" * 50) == f"`{'x' * 40}` is not a number"


def test_a_text_is_shown_as_it_is_and_read_without_the_spaces_around_it():
    text = Text(shorter_than_five)

    assert (text.understand(" a b "), text.show("a b"), text.write("a b")) == ("a b",) * 3
    assert text.masks_in(MASK) == ()
    assert text.renewed("a", "b") == ()


def test_a_secret_text_takes_its_mask_and_none_unchecked():
    def upper(text: str) -> str:
        return text.upper() or "checked"

    secret = SecretText(upper)

    assert [secret.read(one) for one in ("", MASK, "abc")] == ["", MASK, "ABC"]
    assert [secret.masked(one) for one in ("", "abc")] == ["", MASK]
    assert secret.unmasked("abc", "old") == "abc"
    assert secret.unmasked(MASK, "old") == "old"


def test_parts_are_checked_together():
    def same(login: Login) -> Login:
        if login.user == login.password:
            raise InvalidError("user and password are equal", field="password")
        return login

    parts = Parts(Login, same)

    assert parts.read({"user": "me"}) == Login(user="me")
    assert refusal(parts.read, {"user": "x", "password": "x"}) == (
        "password: user and password are equal"
    )
    assert parts.unmasked(Login(user="me"), None) == Login(user="me")


def test_parts_without_a_secret_are_not_masked():
    @dataclass(frozen=True)
    class Plain:
        name: str = option("", Text(str), label="Name")

    assert not Parts(Plain, lambda one: one).has_secrets
    assert Parts(Login, lambda one: one).has_secrets


def test_a_flag_is_true_or_false():
    flag = Flag("Loud")

    assert (flag.read(1), flag.read(0), flag.write(value=True)) == (True, False, True)
    assert not flag.has_secrets
    assert flag.masks_in(value=True) == ()


def test_what_a_declaration_leaves_out_is_empty():
    [volume, *_] = options_in(Settings)

    assert (volume.hint, volume.help, volume.is_advanced) == ("", "", False)
    assert (volume.audited_as, volume.audited_renewals) == ("is_loud", "new_is_loud_values")


def test_what_has_secrets_is_not_in_the_repr():
    assert repr(FULL) == "Settings(is_loud=True, colour=<Colour.RED: 'red'>)"
    assert Settings().is_loud is False
