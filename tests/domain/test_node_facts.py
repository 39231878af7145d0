"""Owners, tags and exposures of a node: what is read of anybody's texts, within bounds."""

import pytest

from runhook.domain.dbt.node_facts import (
    MOST_ATTACHED,
    MOST_EXPOSURES,
    MOST_GROUPS,
    MOST_OTHER_KEYS,
    MOST_OWNERS,
    MOST_TAGS,
    NO_FACTS,
    TEXT_CHARACTERS,
    Exposure,
    NodeFacts,
    Owner,
    owners_in,
    read_facts,
    text_of,
    write_facts,
)

TOLD = {
    "groups": ["sales"],
    "owners": [
        {"name": "Ann", "email": "ann@example.com", "group": "sales", "more": {"slack": "#sales"}}
    ],
    "tags": ["nightly"],
    "path": "models/orders.sql",
    "package": "shop",
    "attached_to": ["model.shop.orders"],
    "exposures": [{"name": "revenue", "owner_name": "Bo", "owner_email": "bo@example.com"}],
}
FACTS = NodeFacts(
    groups=("sales",),
    owners=(Owner(name="Ann", email="ann@example.com", group="sales", more={"slack": "#sales"}),),
    tags=("nightly",),
    path="models/orders.sql",
    package="shop",
    attached_to=("model.shop.orders",),
    exposures=(Exposure(name="revenue", owner_name="Bo", owner_email="bo@example.com"),),
)


def test_what_a_reporter_tells_is_read_and_written_as_it_was():
    assert read_facts(TOLD) == FACTS
    assert write_facts(FACTS) == TOLD


def test_what_is_not_known_is_not_told():
    assert read_facts({}) == NO_FACTS
    assert write_facts(NO_FACTS) == {}
    bare = NodeFacts(owners=(Owner(name="Ann"),), exposures=(Exposure(name="revenue"),))
    assert write_facts(bare) == {"owners": [{"name": "Ann"}], "exposures": [{"name": "revenue"}]}


def test_a_list_tells_each_once_and_no_more_than_has_room():
    names = ["a", "a", *(f"n{number}" for number in range(200))]
    told = {
        "groups": names,
        "tags": names,
        "attached_to": names,
        "owners": [{"name": one} for one in names],
        "exposures": [{"name": one} for one in names],
    }

    facts = read_facts(told)

    assert facts.groups == ("a", *names[2 : MOST_GROUPS + 1])
    assert facts.tags == ("a", *names[2 : MOST_TAGS + 1])
    assert facts.attached_to == ("a", *names[2 : MOST_ATTACHED + 1])
    assert [one.name for one in facts.owners] == ["a", *names[2 : MOST_OWNERS + 1]]
    assert [one.name for one in facts.exposures] == ["a", *names[2 : MOST_EXPOSURES + 1]]


def test_a_text_stands_for_a_list_of_one_and_what_is_no_text_for_none():
    assert read_facts({"tags": "nightly", "groups": 7}) == NodeFacts(
        tags=("nightly",), groups=("7",)
    )
    assert read_facts({"tags": [None, {}, "", "nightly", []]}).tags == ("nightly",)
    assert read_facts({"owners": {"name": "Ann"}, "exposures": "revenue"}) == NO_FACTS
    assert read_facts({"owners": ["Ann", {"name": "Bo"}]}).owners == (Owner(name="Bo"),)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ann", "Ann"),
        ("  Ann  ", "Ann"),
        ("A\nn\x00n", "A n n"),
        ("\n", ""),
        (7, "7"),
        (1.5, "1.5"),
        (True, ""),
        (None, ""),
        (["Ann"], ""),
        ("x" * TEXT_CHARACTERS, "x" * TEXT_CHARACTERS),
        ("x" * (TEXT_CHARACTERS + 1), "x" * (TEXT_CHARACTERS - 1) + "…"),
        (" " * 3 * TEXT_CHARACTERS + "Ann", "Ann"),
        (" " * 4 * TEXT_CHARACTERS + "Ann", ""),
    ],
)
def test_a_text_can_be_shown_and_is_short(value: object, text: str):
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("said", "owners"),
    [
        ("Ann", [Owner(name="Ann", group="g")]),
        ("ann@example.com", [Owner(email="ann@example.com", group="g")]),
        (
            {"name": "Ann", "email": "a@x.org", "slack": "#a"},
            [Owner(name="Ann", email="a@x.org", group="g", more={"slack": "#a"})],
        ),
        ({"slack": "#a"}, [Owner(group="g", more={"slack": "#a"})]),
        (
            {"name": "Ann", "email": ["a@x.org", "b@x.org"]},
            [Owner(name="Ann", email=one, group="g") for one in ("a@x.org", "b@x.org")],
        ),
        ({}, [Owner(group="g")]),
    ],
)
def test_an_owner_of_a_group_is_named_by_a_text_or_an_object(said: object, owners: list[Owner]):
    assert list(owners_in(said, "g")) == owners


def test_an_owner_of_no_group_has_a_name_or_an_address():
    said = [{}, "Ann", None, {"email": "b@x.org"}, "", {"name": "", "slack": None}, True]

    assert list(owners_in(said)) == [Owner(name="Ann"), Owner(email="b@x.org")]


def test_of_what_is_said_of_an_owner_besides_the_first_texts_are_kept():
    keys = {f"k{number}": "x" for number in range(MOST_OTHER_KEYS + 1)}
    odd = {"": "x", "a": "", "b": None, "c": ["x"], "d": 7}
    untold = {f"n{number}": None for number in range(100)}

    assert more_of(keys) == dict(list(keys.items())[:MOST_OTHER_KEYS])
    assert more_of(odd) == {"d": "7"}
    assert more_of(dict(list(untold.items())[:99]) | {"z": "x"}) == {"z": "x"}
    assert more_of(untold | {"z": "x"}) == {}


def more_of(said: dict[str, object]) -> object:
    """What is kept of what is said of an owner besides name and address."""
    (owner,) = owners_in({"name": "Ann", **said})
    return owner.more


def test_an_owner_is_called_by_name_then_address_then_group():
    assert Owner(name="Ann", email="a@x.org", group="g").label == "Ann"
    assert Owner(email="a@x.org", group="g").label == "a@x.org"
    assert Owner(group="g").label == "g"
    assert FACTS.owned_by == (("sales",), ("Ann",))
