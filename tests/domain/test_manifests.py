"""Nodes are looked up in manifest.json as dbt Core and dbt v2 write it, or as no program should."""

import contextlib
import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.dbt.manifests import (
    MOST_IDS,
    MOST_LINKS,
    MOST_WORK,
    OVERLAP,
    WINDOW,
    CostlyError,
    Manifest,
    Metered,
    facts_in,
    redacted,
)
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
    read_facts,
    write_facts,
)

ORDERS = "model.shop.orders"
SALES = Owner(name="Sales", email="sales@example.com", group="sales", more={"slack": "#sales"})


def a_node(unique_id: str = ORDERS, **more: Any) -> dict[str, Any]:
    kind, package, name = unique_id.split(".")[:3]
    return {
        "name": name,
        "resource_type": kind,
        "package_name": package,
        "original_file_path": f"{kind}s/{name}.sql",
        "unique_id": unique_id,
        **more,
    }


def a_group(name: str = "sales", owner: object = None) -> dict[str, Any]:
    usual = {"name": "Sales", "email": "sales@example.com", "slack": "#sales"}
    return a_node(f"group.shop.{name}", owner=usual if owner is None else owner)


def a_manifest(
    *objects: Mapping[str, Any], children: Mapping[str, list[str]] | None = None, **more: Any
) -> dict[str, Any]:
    sections: dict[str, dict[str, Any]] = {"nodes": {}, "exposures": {}, "groups": {}}
    for one in objects:
        kind = one["resource_type"] + "s"
        sections[kind if kind in sections else "nodes"][one["unique_id"]] = one
    return {"metadata": {}, **sections, "child_map": children or {}, **more}


def look_up(manifest: object, *unique_ids: str, redact: Any = lambda text: text) -> Any:
    content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return facts_in(io.BytesIO(content), unique_ids or (ORDERS,), redact)


def facts(manifest: object, unique_id: str = ORDERS) -> NodeFacts:
    return look_up(manifest, unique_id).get(unique_id, NO_FACTS)


def test_a_node_has_its_groups_owner_tags_path_and_package():
    node = a_node(group="sales", tags=["nightly"], meta={"owner": "Ann", "cost": 3})

    assert facts(a_manifest(node, a_group())) == NodeFacts(
        groups=("sales",),
        owners=(SALES, Owner(name="Ann")),
        tags=("nightly",),
        path="models/orders.sql",
        package="shop",
    )


def test_what_only_the_configuration_says_counts():
    config = {"group": "sales", "tags": ["nightly"], "meta": {"owner": "ann@example.com"}}

    found = facts(a_manifest(a_node(config=config), a_group()))

    assert (found.groups, found.tags) == (("sales",), ("nightly",))
    assert found.owners == (SALES, Owner(email="ann@example.com"))


@pytest.mark.parametrize(
    ("said", "owners"),
    [
        ("Ann", [Owner(name="Ann")]),
        ("@data-team", [Owner(name="@data-team")]),
        (["Ann", "bob@example.com"], [Owner(name="Ann"), Owner(email="bob@example.com")]),
        ({"name": "Ann", "pager": 7}, [Owner(name="Ann", more={"pager": "7"})]),
        ([{"email": "a@example.com"}, None, [], ""], [Owner(email="a@example.com")]),
        (
            {"name": "Ann", "email": ["a@example.com", "b@example.com"]},
            [Owner(name="Ann", email="a@example.com"), Owner(name="Ann", email="b@example.com")],
        ),
        ({"email": [[], None, 7, ""]}, [Owner(email="7")]),
        ("Ann Lee <ann@example.com>", [Owner(name="Ann Lee", email="ann@example.com")]),
        (
            "ann@example.com, @bob; Cy <cy@example.com>,",
            [
                Owner(email="ann@example.com"),
                Owner(name="@bob"),
                Owner(name="Cy", email="cy@example.com"),
            ],
        ),
        ('"Lee, Ann"', [Owner(name='"Lee, Ann"')]),
        ('"Ann Lee" <ann@example.com>', [Owner(name="Ann Lee", email="ann@example.com")]),
        ("Xaver X <x@example.com>", [Owner(name="Xaver X", email="x@example.com")]),
        ("Lee, Ann", [Owner(name="Lee, Ann")]),
        (12, [Owner(name="12")]),
        ("Data, Core & Co <", [Owner(name="Data, Core & Co <")]),
        (" , ;", []),
        ({"slack": "#finance"}, [Owner(more={"slack": "#finance"})]),
        ({}, []),
        (True, []),
    ],
)
def test_meta_names_owners_in_several_ways(said: object, owners: list[Owner]):
    assert list(facts(a_manifest(a_node(meta={"owner": said}))).owners) == owners


def test_a_test_belongs_to_the_model_that_it_is_attached_to():
    test = a_node("test.shop.not_null.1a2b", attached_node=ORDERS, tags=["slow"])
    model = a_node(group="sales", tags=["nightly"])

    found = facts(a_manifest(test, model, a_group()), "test.shop.not_null.1a2b")

    assert (found.groups, found.owners) == (("sales",), (SALES,))
    assert (found.tags, found.attached_to) == (("slow", "nightly"), (ORDERS,))
    assert found.path == "models/orders.sql"


def test_a_test_of_several_models_belongs_to_the_owners_of_all():
    test = a_node("test.shop.sums", depends_on={"nodes": [ORDERS, "model.shop.payments"]})
    models = [
        a_node(group="sales"),
        a_node("model.shop.payments", meta={"owner": "Ann"}),
    ]

    found = facts(a_manifest(test, *models, a_group()), "test.shop.sums")

    assert found.owners == (SALES, Owner(name="Ann"))
    assert found.attached_to == (ORDERS, "model.shop.payments")
    assert found.path == "tests/sums.sql"


def test_a_unit_test_belongs_to_its_model():
    test = a_node("unit_test.shop.orders.adds_up", depends_on={"nodes": [ORDERS]})
    manifest = a_manifest(a_node(group="sales"), a_group(), unit_tests={test["unique_id"]: test})

    assert facts(manifest, test["unique_id"]).owners == (SALES,)


@pytest.mark.parametrize("attached", [None, "", 7, [ORDERS], {}])
def test_a_test_that_is_attached_to_no_node_belongs_to_those_that_it_depends_on(attached: object):
    test = a_node("test.shop.sums", attached_node=attached, depends_on={"nodes": [ORDERS, 7]})

    assert facts(a_manifest(test, a_node()), "test.shop.sums").attached_to == (ORDERS,)


@pytest.mark.parametrize("depends_on", [None, [ORDERS], {"nodes": ORDERS}, {"nodes": {ORDERS: 1}}])
def test_a_test_that_depends_on_no_list_of_nodes_belongs_to_none(depends_on: object):
    test = a_node("test.shop.sums", depends_on=depends_on)

    assert facts(a_manifest(test, a_node()), "test.shop.sums").attached_to == ()


def test_a_test_of_very_many_models_belongs_to_the_first():
    models = [a_node(f"model.shop.m{n}", group=f"g{n}") for n in range(MOST_ATTACHED + 1)]
    nodes = [one["unique_id"] for one in models]
    test = a_node("test.shop.sums", group="own", depends_on={"nodes": nodes})

    found = facts(a_manifest(test, *models), "test.shop.sums")

    assert found.attached_to == tuple(one["unique_id"] for one in models[:MOST_ATTACHED])
    assert found.groups == ("own", *(f"g{n}" for n in range(MOST_GROUPS - 1)))


@pytest.mark.parametrize(
    ("said", "groups"),
    [
        ({"group": 7}, ("7",)),
        ({"group": ""}, ()),
        ({"group": "sales", "package_name": None}, ("sales",)),
        ({"group": "sales", "package_name": 7}, ("sales",)),
    ],
)
def test_a_group_that_names_no_object_has_no_owner(said: Mapping[str, object], groups: object):
    found = facts(a_manifest(a_node(**said), a_group(), a_group("7")))

    assert (found.groups, found.owners) == (groups, ())


def test_a_table_of_a_source_has_the_owner_of_the_source():
    source = a_node("source.shop.raw.orders", source_meta={"owner": "Ann"})

    assert facts(a_manifest(source), source["unique_id"]).owners == (Owner(name="Ann"),)


def test_exposures_downstream_are_named_with_their_owners_the_direct_ones_first():
    exposures = [
        a_node(f"exposure.shop.{name}", owner={"name": name.title(), "email": f"{name}@x.org"})
        for name in ("near", "far", "other")
    ]
    children = {
        ORDERS: ["model.shop.sums", "test.shop.t.1a", "exposure.shop.near"],
        "model.shop.sums": ["exposure.shop.far", ORDERS],
        "model.shop.x": ["exposure.shop.other"],
    }

    found = facts(a_manifest(a_node(), *exposures, children=children)).exposures

    assert found == (
        Exposure(name="near", owner_name="Near", owner_email="near@x.org"),
        Exposure(name="far", owner_name="Far", owner_email="far@x.org"),
    )


def test_an_exposure_has_a_name_of_its_own_or_that_of_its_id_and_perhaps_no_owner():
    named = a_node("exposure.shop.near") | {"name": "Revenue board"}
    unnamed = a_node("exposure.shop.far") | {"name": ""}
    twice = a_node("exposure.shop.twice", owner={"name": "Ann"})
    children = {ORDERS: [one["unique_id"] for one in (named, unnamed, twice)]}
    manifest = a_manifest(a_node(meta={"exposure.shop.twice": twice}), named, unnamed, twice)

    found = facts({**manifest, "child_map": children}).exposures

    assert found == (Exposure(name="Revenue board"), Exposure(name="far"), Exposure(name="twice"))


def test_exposures_of_a_test_of_several_models_are_bounded_together():
    models = [a_node("model.shop.a"), a_node("model.shop.b")]
    exposures = [a_node(f"exposure.shop.e{n}") for n in range(2 * MOST_EXPOSURES)]
    ids = [one["unique_id"] for one in exposures]
    children = {"model.shop.a": ids[:MOST_EXPOSURES], "model.shop.b": ids[MOST_EXPOSURES:]}
    test = a_node("test.shop.sums", depends_on={"nodes": list(children)})

    found = facts(a_manifest(test, *models, *exposures, children=children), "test.shop.sums")

    assert [one.name for one in found.exposures] == [f"e{n}" for n in range(MOST_EXPOSURES)]


def test_a_failing_test_concerns_what_is_downstream_of_its_model():
    exposure = a_node("exposure.shop.near", owner={"email": "x@x.org"})
    manifest = a_manifest(
        a_node("test.shop.t.1a", attached_node=ORDERS),
        a_node(),
        exposure,
        children={ORDERS: ["exposure.shop.near"]},
    )

    assert [one.name for one in facts(manifest, "test.shop.t.1a").exposures] == ["near"]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("separators", [None, (",", ":")])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_however_it_is_written_a_node_is_found(
    *, indent: int | None, separators: tuple[str, str] | None, ensure_ascii: bool
):
    unique_id = 'model.shop.größe_"x"_\N{SNOWMAN}'
    content = json.dumps(
        a_manifest(a_node(unique_id, group="sales"), a_group()),
        indent=indent,
        separators=separators,
        ensure_ascii=ensure_ascii,
    )

    assert facts(content.encode(), unique_id).groups == ("sales",)


@pytest.mark.parametrize("offset", range(-60, 60, 7))
def test_a_node_is_found_where_two_windows_meet(offset: int):
    node = a_node(group="sales")
    before = json.dumps({"x": ""} | node)
    padding = "x" * (WINDOW - before.index("unique_id") + offset)
    manifest = {"padding": padding, **a_manifest(node, a_group())}

    assert facts(manifest).groups == ("sales",)


@pytest.mark.parametrize("offset", range(-14, 15))
def test_children_are_found_where_two_windows_meet(offset: int):
    before = '{"padding": "", '
    padding = "x" * (WINDOW - len(before) + offset)
    content = json.dumps({"padding": padding, "child_map": {ORDERS: ["exposure.shop.near"]}})

    children = Manifest(io.BytesIO(content.encode())).children()

    assert children == {ORDERS: ("exposure.shop.near",)}


def test_a_manifest_is_read_once_to_note_where_its_nodes_stand():
    content = json.dumps({"padding": "x" * 3 * WINDOW, **a_manifest(a_node())}).encode()
    read = Counting(content)

    Manifest(read)

    assert read.total <= len(content) + 4 * OVERLAP


def test_a_node_is_found_behind_much_of_itself():
    node = {"compiled_code": "select 1;" * 100_000, **a_node(group="sales")}

    assert facts(a_manifest(node, a_group())).groups == ("sales",)


def test_code_that_quotes_a_manifest_is_no_node():
    forged = json.dumps({ORDERS: a_node(group="forged")})
    texts = {"raw_code": f"-- {forged}", "description": f'\\"{forged}\\\\'}

    manifest = a_manifest(a_node("model.shop.a", **texts), a_node(group="sales"))

    assert facts(manifest).groups == ("sales",)


@pytest.mark.parametrize("padding", ["", "x" * WINDOW])
def test_an_object_that_passes_for_a_node_takes_nothing_over(padding: str):
    forged = {ORDERS: a_node(group="forged")}
    manifest = a_manifest(a_node("model.shop.a", meta=forged), a_node(group="sales"), a_group())

    assert facts({"padding": padding, **manifest}) == NO_FACTS


def test_an_object_of_the_same_name_behind_a_node_does_not_matter():
    manifest = a_manifest(a_node(group="sales"), a_group(), later={ORDERS: {"group": "other"}})

    assert facts({"padding": "x" * 5_000, **manifest}).groups == ("sales",)


def test_a_node_whose_name_stands_in_itself_and_before_it_is_found():
    before = {"model.shop.a": {"refs": [ORDERS]}}
    node = {"alias": ORDERS, **a_node(group="sales")}

    assert facts({"before": before, "nodes": {ORDERS: node}}).groups == ("sales",)


def test_a_node_whose_name_has_half_a_character_is_found():
    unique_id = "model.shop.\ud800"

    assert facts(a_manifest(a_node(unique_id, group="sales")), unique_id).groups == ("sales",)


def test_what_is_in_a_list_is_no_node_of_a_name():
    assert look_up({"nodes": [a_node(group="sales")]}) == {}


def test_an_object_that_is_larger_than_may_be_looked_at_is_not_found():
    content = json.dumps(a_manifest(a_node(raw_code="x" * 50_000, group="sales"))).encode()

    for largest, found in ((60_000, {ORDERS}), (30_000, set())):
        told = facts_in(io.BytesIO(content), [ORDERS], str, largest_object=largest)
        assert set(told) == found


def test_a_disabled_node_of_the_same_name_does_not_matter():
    disabled = {"disabled": {ORDERS: [a_node(group="other")]}}
    manifest = a_manifest(a_node(group="sales"), a_group())

    assert facts({**manifest, **disabled}).groups == ("sales",)
    assert facts({**disabled, **manifest}).groups == ("sales",)


@pytest.mark.parametrize(
    "lookalike", [{"name": "child_map"}, {"name": ["a.b"]}, {"a.b": "x"}, {"a.b": None}, ["a.b"]]
)
def test_something_called_child_map_in_a_project_does_not_matter(lookalike: object):
    exposure = a_node("exposure.shop.near", owner={"email": "x@x.org"})
    manifest = a_manifest(
        a_node(columns={"child_map": lookalike}),
        exposure,
        children={ORDERS: ["exposure.shop.near"]},
        later={"child_map": lookalike},
    )

    assert [one.name for one in facts(manifest).exposures] == ["near"]


def children_in(child_map: object) -> dict[str, tuple[str, ...]]:
    return Manifest(io.BytesIO(json.dumps({"child_map": child_map}).encode())).children()


def test_children_are_known_without_tests_and_without_what_is_no_name():
    child_map = {
        ORDERS: [7, "test.shop.not_null.1a", "unit_test.shop.adds_up", "exposure.shop.near"],
        "model.shop.tested": ["test.shop.not_null.1a"],
    }

    assert children_in(child_map) == {ORDERS: ("exposure.shop.near",)}


def test_secrets_are_taken_out_before_texts_are_shortened():
    secret = "hunter2hunter2"
    owner = {"name": "x" * (TEXT_CHARACTERS - 5) + secret, secret: secret}
    manifest = a_manifest(a_node(group="sales", tags=[secret]), a_group(owner=owner))

    found = look_up(manifest, redact=lambda text: text.replace(secret, "*****"))[ORDERS]

    assert "hunter" not in repr(found)
    assert found.tags == ("*****",)


def test_whatever_a_project_says_is_bounded():
    many = {f"k{n}": "\N{SNOWMAN}" * 500 for n in range(100)}
    node = a_node(
        group="sales",
        tags=[f"t{n}" for n in range(1_000)],
        meta={"owner": [{"name": f"n{n}", **many} for n in range(9)]},
    )
    exposures = [a_node(f"exposure.shop.e{n}", owner=many) for n in range(50)]
    children = {ORDERS: [one["unique_id"] for one in exposures]}

    found = facts(a_manifest(node, a_group(owner=many), *exposures, children=children))

    assert (len(found.owners), len(found.tags)) == (MOST_OWNERS, MOST_TAGS)
    assert len(found.exposures) == MOST_EXPOSURES
    assert all(len(owner.more) <= MOST_OTHER_KEYS for owner in found.owners)
    assert len(json.dumps(write_facts(found))) < 50_000


def test_of_what_is_deep_three_levels_are_read():
    assert redacted([[[["x"]]]], str) == [[[None]]]
    assert redacted({"a": {"b": {"c": {"d": "x"}}}}, str) == {"a": {"b": {"c": None}}}


def test_control_characters_and_marks_of_direction_are_not_told():
    node = a_node(meta={"owner": "A\u202enn\x00\r\n\ud800"})

    assert facts(a_manifest(node)).owners == (Owner(name="A nn"),)


def test_what_is_written_is_read_again():
    node = a_node(group="sales", tags=["nightly"], meta={"owner": "Ann"})
    exposure = a_node("exposure.shop.near", owner={"email": "x@x.org"})
    children = {ORDERS: ["exposure.shop.near"]}
    found = facts(a_manifest(node, a_group(), exposure, children=children))

    assert read_facts(json.loads(json.dumps(write_facts(found)))) == found


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
def test_a_manifest_that_was_cut_off_tells_what_is_whole_in_it(cut: float):
    content = json.dumps(a_manifest(a_node(group="sales"), a_group())).encode()

    with contextlib.suppress(ValueError):
        look_up(content[: int(len(content) * cut)])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = (
    "group",
    "owner",
    "tags",
    "meta",
    "config",
    "depends_on",
    "attached_node",
    "package_name",
    "original_file_path",
    "resource_type",
    "name",
)


@given(st.dictionaries(st.sampled_from(KEYS), json_values), json_values)
def test_any_values_give_facts_that_can_be_told(values: dict[str, object], children: object):
    node = {**a_node(), **values}
    manifest = {"nodes": {ORDERS: node}, "child_map": children}

    found = facts(json.dumps(manifest).encode())

    json.dumps(write_facts(found), ensure_ascii=False).encode()
    assert read_facts(write_facts(found)) == found


@given(json_values)
def test_any_report_gives_facts(value: object):
    read_facts({"owners": value, "groups": value, "tags": value, "exposures": [value, value]})


def test_looking_up_costs_no_more_than_it_may_and_what_is_found_before_is_told():
    """Many ids, each with many places before it where its object could begin, but does not."""
    wanted = a_node("model.shop.wanted", tags=["nightly"])
    traps = [f"model.shop.m{number}" for number in range(500)]
    content = json.dumps(a_manifest(wanted)).encode()
    content += b"".join(
        f'"{one}" '.encode() * 500 + f'"unique_id": "{one}",'.encode() for one in traps
    )
    read = Counting(content)

    found = facts_in(read, ["model.shop.wanted", *traps], str)

    assert found["model.shop.wanted"].tags == ("nightly",)
    assert read.total <= MOST_WORK + 2 * len(content)


def test_no_more_ids_and_children_are_kept_than_a_large_project_has():
    names = [f"model.shop.m{number}" for number in range(MOST_IDS + 1)]
    ids = "".join(f'"unique_id": "{one}",' for one in names)
    child_map = json.dumps({"child_map": {names[0]: names}})

    manifest = Manifest(io.BytesIO((ids + child_map).encode()))

    assert len(list(manifest.ids_of("model"))) == MOST_IDS
    assert manifest.children() == {}


def test_no_more_links_are_kept_than_a_large_project_has():
    half = ["a"] * (MOST_LINKS // 2)

    assert children_in({"model.a": half, "model.b": [*half, "a"]}) == {}


def test_as_many_bytes_are_read_as_may_be_and_not_one_more():
    file = Metered(io.BytesIO(b"abcdef"), 4)

    assert file.read(3) == b"abc"
    assert file.read(1) == b"d"
    with pytest.raises(CostlyError):
        file.read(1)


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    total = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self.total += len(content)
        return content
