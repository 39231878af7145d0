"""The settings of a format: read with care, masked, and kept by their masks."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Format
from runhook.domain.formats.incidents import WordByEnvironment
from runhook.domain.options.declaring import MASK, masked, masks_in, option, unmasked
from runhook.domain.options.kinds import (
    Flag,
    Number,
    Numbers,
    Parts,
    SecretText,
    Several,
    Text,
    Texts,
)
from runhook.domain.webhooks.format_settings import FormatSettings, secrets_in, settings_in
from runhook.domain.webhooks.options import NO_OPTIONS, changed_options

PAGERDUTY = FORMATS["pagerduty"]
KEY = "R015kQ2vEw7zAbCdEfGhIjKlMnOpQrSt"


@dataclass(frozen=True, kw_only=True)
class Inner:
    key: str = option("", SecretText(str), label="Key")
    size: float = option(1.0, Number(float, float), label="Size")


class Colour(StrEnum):
    RED = "red"


class SecretTexts(Texts):
    """Texts that are all secret."""

    has_secrets = True

    def masked(self, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(MASK for _ in value)


@dataclass(frozen=True, kw_only=True)
class Lists:
    pauses: tuple[float, ...] = option((), Numbers(tuple, list, empty="none"), label="Pauses")
    names: tuple[str, ...] = option((), Texts(str, most=9), label="Names")
    colours: tuple[Colour, ...] = option((), Several(Colour, {}), label="Colours")
    keys: tuple[str, ...] = option((), SecretTexts(str, most=9), label="Keys")
    levels: Mapping[str, Colour] = option({}, WordByEnvironment(Colour), label="Levels")


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = option("", Text(str), label="Name")
    is_loud: bool = option(False, Flag("Loud"), label="Loud")  # noqa: FBT003 - it is the value
    inner: Inner = option(Inner(), Parts(Inner, lambda given: given), label="Inner")


class Nested(Format[object]):
    """A format whose settings have settings."""

    name = "nested"
    title = "Nested"
    summary = "For a test."
    settings = Outer


class Listed(Format[object]):
    """A format whose settings are lists and objects."""

    name = "listed"
    title = "Listed"
    summary = "For a test."
    settings = Lists


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"routing_kee": KEY}, "format_settings: `routing_kee` is unknown; did you mean `routing"),
        ({"routing_key": 7}, "format_settings.routing_key: it is not a text"),
        ({"routing_key": KEY, "region": ["eu"]}, "format_settings.region: it is not a text"),
        ({"routing_key": KEY, "region": "asia"}, "format_settings.region: `asia` is unknown"),
        ({"routing_key": KEY, "severity_by_environment": {"a": 1}}, "format_settings.severity_by"),
        ({}, "format_settings.routing_key"),
    ],
)
def test_what_is_wrong_is_named_by_its_path_and_no_secret_is_repeated(given, sentence):
    with pytest.raises(InvalidError) as refused:
        settings_in(PAGERDUTY, given)

    assert refused.value.message.startswith(sentence)
    assert KEY not in refused.value.message


@pytest.mark.parametrize(
    "given",
    [
        {"is_loud": "yes"},
        {"is_loud": 1},
        {"inner": "x"},
        {"inner": {"size": True}},
        {"inner": {"size": "1"}},
        {"inner": {"other": "x"}},
        {"name": None, "inner": {"key": []}},
    ],
)
def test_json_of_another_type_is_refused_however_deep(given):
    with pytest.raises(InvalidError):
        settings_in(Nested(), given)


@pytest.mark.parametrize(
    ("format_", "given", "sentence"),
    [
        (Nested(), {"is_loud": 1}, ".is_loud: it is not true or false"),
        (Nested(), {"name": 7}, ".name: it is not a text"),
        (Nested(), {"inner": "x"}, ".inner: it is not an object with such keys and values"),
        (Listed(), {"names": "x"}, ".names: it is not a list of texts"),
        (Listed(), {"names": ["x", 7]}, ".names: it is not a list of texts"),
        (Listed(), {"pauses": [1, "2"]}, ".pauses: it is not a list of numbers"),
        (Listed(), {"colours": {"red": "red"}}, ".colours: it is not a list of texts"),
        (Listed(), {"levels": []}, ".levels: it is not an object with such keys and values"),
        (Listed(), {"levels": {"prod": 1}}, ".levels: it is not an object with such keys"),
    ],
)
def test_a_type_that_is_wrong_is_told_in_words(format_, given, sentence):
    with pytest.raises(InvalidError) as refused:
        settings_in(format_, given)

    assert refused.value.message.startswith(f"format_settings{sentence}")


def test_lists_and_objects_are_read_and_all_secrets_in_them_found():
    given = {
        "pauses": [1, 2.5],
        "names": ["x", "y"],
        "colours": ["red"],
        "keys": ["planted", "hidden"],
        "levels": {"prod": "red"},
    }

    settings = settings_in(Listed(), given)

    assert settings == Lists(
        pauses=(1, 2.5),
        names=("x", "y"),
        colours=(Colour.RED,),
        keys=("planted", "hidden"),
        levels={"prod": Colour.RED},
    )
    assert secrets_in(settings) == ["planted", "hidden"]
    assert FormatSettings().write(settings) == given


def test_a_new_secret_of_the_same_format_is_noticed():
    kind = FormatSettings()
    before = settings_in(Nested(), {"inner": {"key": "planted"}})
    after = settings_in(Nested(), {"inner": {"key": "another"}})

    assert kind.renewed(before, after) == ["inner.key"]
    assert kind.renewed(before, before) == []


def test_settings_of_settings_are_read_masked_and_their_secrets_found():
    given = {"name": "x", "is_loud": True, "inner": {"key": "planted", "size": 2}}

    settings = settings_in(Nested(), given)

    assert settings == Outer(name="x", is_loud=True, inner=Inner(key="planted", size=2))
    assert secrets_in(settings) == ["planted"]
    assert "planted" not in repr(settings)
    assert secrets_in(None) == []


def test_a_format_without_settings_has_none_and_takes_none():
    slack = FORMATS["slack"]

    assert settings_in(slack, {}) is None
    with pytest.raises(InvalidError, match="`channel` is unknown; this format has no settings"):
        settings_in(slack, {"channel": "#data"})


def test_a_mask_keeps_what_is_there_and_nothing_of_another_format():
    kind = FormatSettings()
    kept = settings_in(PAGERDUTY, {"routing_key": KEY})
    asked = settings_in(PAGERDUTY, {"routing_key": MASK, "region": "eu"})
    other = settings_in(FORMATS["incident_io"], {"token": "another-planted-token"})

    assert secrets_in(kind.unmasked(asked, kept)) == [KEY]
    assert kind.masks_in(asked) == ["routing_key"]
    with pytest.raises(InvalidError, match="no value yet"):
        kind.unmasked(asked, other)
    assert kind.renewed(kept, other) == ()


def test_options_have_the_settings_of_their_format():
    options = changed_options(
        NO_OPTIONS, {"format": "pagerduty", "format_settings": {"routing_key": KEY}}
    )

    assert secrets_in(options.format_settings) == [KEY]
    assert KEY not in repr(options)
    assert masks_in(masked(options)) == ["format_settings.routing_key"]
    assert unmasked(masked(options), options) == options
    with pytest.raises(InvalidError, match="routing_key"):
        changed_options(NO_OPTIONS, {"format": "pagerduty"})


def test_a_null_gives_settings_their_defaults():
    settings: Mapping[str, object] = {"name": None}

    assert settings_in(Nested(), settings) == Outer()


@dataclass(frozen=True, kw_only=True)
class Login:
    user: str = option("", Text(str), label="User")
    password: str = option("", SecretText(str), label="Password")


@dataclass(frozen=True, kw_only=True)
class TwoSecrets:
    token: str = option("", SecretText(str), label="Token")
    login: Login = option(Login(), Parts(Login, lambda given: given), label="Login")


def test_every_secret_is_found_and_what_stands_beside_it_is_none():
    settings = TwoSecrets(token="planted", login=Login(user="ada", password="hidden"))

    assert secrets_in(settings) == ["planted", "hidden"]
