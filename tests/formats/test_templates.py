"""Documents of one's own: always JSON within bounds, and wrong ones refused when they are saved."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Answer, Meaning, Rendered
from runhook.domain.formats.template import SAMPLE, template_facts, template_in
from runhook.domain.messages.message import message_of
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.templates import (
    LARGEST_FRAME,
    LARGEST_OUTPUT,
    LARGEST_SOURCE,
    Template,
    names_in,
)
from runhook.domain.options.declaring import changed, written
from runhook.domain.runs.events import Event
from tests.formats import hostile, stories
from tests.support.builders import a_deactivation

ORDERS = {
    "unique_id": "model.shop.orders",
    "resource_type": "model",
    "status": "error",
    "message": "no such column: amount",
    "groups": ["sales"],
    "owners": [{"name": "Ann"}],
    "tags": ["nightly"],
    "path": "models/orders.sql",
    "package": "shop",
    "exposures": [{"name": "revenue"}],
}
QUICKLY = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
FACTS = {
    "name": 'a "quoted"\nname',
    "count": 3,
    "nothing": None,
    "yes": True,
    "run": {"url": "https://x.example/?a=1&b=2", "seconds": 12.5, "by": {"name": "ann"}},
    "nodes": [
        {"name": "orders", "message": "<b>", "tags": ["a", "b"]},
        {"name": "customers", "message": "", "tags": []},
    ],
}
PATHS = [
    "name",
    "count",
    "nothing",
    "yes",
    "run.url",
    "run.seconds",
]


def failed_with(*nodes: Mapping[str, object]) -> Event:
    """A failure with these nodes, and one more that is not told of."""
    event = stories.failed()
    results = {**stories.RESULTS, "failed": list(nodes), "failed_total": len(nodes) + 1}
    return replace(event, run=replace(event.run, results=results))


def filled(document: object, facts=FACTS) -> object:
    return json.loads(Template.parse(json.dumps(document), FACTS).render(facts))


def refusal(document: object) -> str:
    source = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(InvalidError) as refused:
        Template.parse(source, FACTS)
    return refused.value.message


def test_texts_are_filled_in_whatever_they_hold():
    assert filled({"text": "Job {{ name }}: {{count}}"}) == {"text": 'Job a "quoted"\nname: 3'}


def test_a_text_that_is_one_name_keeps_the_type_of_its_value():
    document = {"a": "{{ count }}", "b": "{{ nothing }}", "c": "{{ yes }}", "d": "{{ nodes }}"}

    assert filled(document) == {"a": 3, "b": None, "c": True, "d": FACTS["nodes"]}


def test_values_within_a_text_are_written_as_json_writes_them():
    assert filled("{{ nothing }}|{{ yes }}|{{ run.seconds }}") == "|true|12.5"


def test_what_is_no_placeholder_stays_as_it_is():
    document = {"$schema": "x", "n": 1.5, "t": True, "z": None, "e": {}, "l": [], "s": "{a} }} $x"}

    assert filled(document) == document


def test_a_part_of_a_list_is_repeated_over_a_list_of_the_event():
    document = [
        "first",
        {"$data": "{{ nodes }}", "n": "{{ name }} of {{ count }}", "m": "{{ message }}"},
        {"$data": "{{ nodes }}", "$value": "{{ name }}"},
    ]

    assert filled(document) == [
        "first",
        {"n": "orders of 3", "m": "<b>"},
        {"n": "customers of 3", "m": ""},
        "orders",
        "customers",
    ]


def test_a_list_within_a_list_is_repeated_too():
    tags = {"$data": "{{ tags }}", "$value": "{{ name }}-{{ value }}"}

    assert filled([{"$data": "{{ nodes }}", "t": [tags]}]) == [
        {"t": ["orders-a", "orders-b"]},
        {"t": []},
    ]


@pytest.mark.parametrize(
    ("condition", "is_shown"),
    [
        ("{{ count }}", True),
        ("{{ nothing }}", False),
        ("{{ not nothing }}", True),
        ("{{ not yes }}", False),
        ("{{ run.url }}", True),
        ("{{ count == '3' }}", True),
        ("{{ count != '3' }}", False),
        ('{{ yes == "true" }}', True),
        ("{{nothing==''}}", True),
    ],
)
def test_a_part_is_shown_if_its_condition_holds(condition, is_shown):
    shown = filled({"a": {"$when": condition, "b": 1}, "l": [{"$when": condition, "$value": "x"}]})

    assert shown == ({"a": {"b": 1}, "l": ["x"]} if is_shown else {"l": []})


def test_one_value_or_another_is_shown():
    def state(condition: str) -> object:
        return filled({"a": {"$when": condition, "$value": "ok", "$else": "bad {{ count }}"}})

    assert state("{{ yes }}") == {"a": "ok"}
    assert state("{{ not yes }}") == {"a": "bad 3"}


@pytest.mark.parametrize(("met", "unmet"), [("y" * 4_000, ""), ("z", "y" * 4_000)])
def test_a_document_is_measured_with_the_longer_of_two_values(met, unmet):
    either = {"$when": "{{ yes }}", "$value": met, "$else": unmet}
    with pytest.raises(InvalidError, match="with full lists it becomes"):
        Template.parse(
            json.dumps([{"$data": "{{ rows }}", **either}]), {"yes": True, "rows": [1] * 10}
        )


def test_a_condition_chooses_among_what_is_repeated():
    document = [{"$data": "{{ nodes }}", "$when": "{{ message }}", "$value": "{{ name }}"}]

    assert filled(document) == ["orders"]


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        ("upper", 'A "QUOTED"\nNAME'),
        ("first_line", 'a "quoted"'),
        ("first_line | upper | cut: 4", 'A "\N{HORIZONTAL ELLIPSIS}'),
        ("html", "a &quot;quoted&quot;\nname"),
        ("slack", 'a "quoted"\nname'),
        ("code", 'a "quoted" name'),
        ("uri", "a%20%22quoted%22%0Aname"),
        ("cut: 0", ""),
        ("cut:9999", 'a "quoted"\nname'),
    ],
)
def test_filters_change_a_text(filters, text):
    assert filled("{{ name | " + filters + " }}") == text


def test_markup_is_escaped_for_where_it_goes():
    facts = {**FACTS, "name": "*b* <!channel> [x](http://evil.example) `c` @all"}

    assert filled("{{ name | markdown }}", facts) == (
        r"\*b\* \<\!channel\> \[x\]\(http://evil\.example\) \`c\` \@all"
    )
    assert filled("{{ name | slack }}", facts).startswith("*b* &lt;!channel&gt;")


FILTERS_THERE_ARE = (
    "`upper`, `lower`, `first_line`, `cut: 80`, `html`, `markdown`, `slack`, `code`, `uri`"
)
CONDITIONS_THERE_ARE = (
    "write `{{ name }}`, `{{ not name }}`, `{{ name == 'text' }}` or `{{ name != 'text' }}`"
)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('{"a": {"b": "{{ nam }}"}}', "at `/a/b`: `nam` is unknown; did you mean `name`?"),
        ('{"a": "{{ sec }}"}', "at `/a`: `sec` is unknown; did you mean `run.seconds`?"),
        ('{"a": "{{ zzzz }}"}', "at `/a`: `zzzz` is unknown"),
        (
            '{"a/b~": ["x", "{{ run.urls }}"]}',
            "at `/a~1b~0/1`: `run.urls` is unknown; did you mean `run.url`?",
        ),
        ('{"a": "{{ name"}', "at `/a`: a `{{` has no `}}`"),
        ('{"a": "{{ }}"}', "at `/a`: `` is not a name such as `run.url`"),
        (
            '{"a": "{{ name | shout }}"}',
            f"at `/a`: `shout` is not a filter; choose from {FILTERS_THERE_ARE}",
        ),
        ('{"a": "{{ name | html | upper }}"}', "at `/a`: `html` has to be the last filter"),
        ('{"a": "{{ name | html | cut: 5 }}"}', "at `/a`: `html` has to be the last filter"),
        (
            '{"a": "{{ name | cut: 999999 }}"}',
            f"at `/a`: `cut: 999999` is not a filter; choose from {FILTERS_THERE_ARE}",
        ),
        (
            '{"a": "{{ name | upper | upper | upper | upper | upper }}"}',
            "at `/a`: 5 filters are too many; 4 at most",
        ),
        (
            '{"a": "x {{ nodes }}"}',
            "at `/a`: `nodes` is not a text; repeat over it with `$data`",
        ),
        ('{"a": "x {{ run }}"}', "at `/a`: `run` is not a text; repeat over it with `$data`"),
        (
            '{"a": "x {{ run.by }}"}',
            "at `/a`: `run.by` is not a text; repeat over it with `$data`",
        ),
        ('{"{{ name }}": 1}', "at `/{{ name }}`: names are not filled in, only texts"),
        (
            '{"$data": "{{ nodes }}"}',
            "`$data` and `$when` stand in a list or an object, not outside",
        ),
        (
            '{"$when": "{{ yes }}"}',
            "`$data` and `$when` stand in a list or an object, not outside",
        ),
        (
            '{"a": {"$data": "{{ nodes }}"}}',
            "at `/a`: `$data` stands in an object that is in a list",
        ),
        (
            '[{"$data": "nodes"}]',
            "at `/0/$data`: write `{{ name }}`, with the name of a list",
        ),
        ('[{"$data": 3}]', "at `/0/$data`: write `{{ name }}`, with the name of a list"),
        ('[{"$data": "{{ name }}"}]', "at `/0/$data`: `name` is not a list"),
        ('[{"$data": "{{ run }}"}]', "at `/0/$data`: `run` is not a list"),
        ('[{"$data": "{{ nam }}"}]', "at `/0/$data`: `nam` is unknown; did you mean `name`?"),
        ('[{"$when": "name"}]', f"at `/0/$when`: {CONDITIONS_THERE_ARE}"),
        ('[{"$when": 3}]', f"at `/0/$when`: {CONDITIONS_THERE_ARE}"),
        ('[{"$when": "{{ name > 3 }}"}]', f"at `/0/$when`: {CONDITIONS_THERE_ARE}"),
        ('[{"$when": "{{ nam }}"}]', "at `/0/$when`: `nam` is unknown; did you mean `name`?"),
        (
            '[{"$data": "{{ nodes }}", "a": "{{ nam }}"}]',
            "at `/0/a`: `nam` is unknown; did you mean `name`?",
        ),
        (
            '[{"$value": {"a": "{{ nam }}"}}]',
            "at `/0/$value/a`: `nam` is unknown; did you mean `name`?",
        ),
        (
            '[{"$when": "{{ yes }}", "$value": 1, "$else": "{{ nam }}"}]',
            "at `/0/$else`: `nam` is unknown; did you mean `name`?",
        ),
        (
            '[{"$value": 1, "b": 2}]',
            "at `/0`: beside `$value` only `$data`, `$when` and `$else` can stand",
        ),
        ('[{"$value": 1, "$else": 2}]', "at `/0`: `$else` stands beside `$when`"),
        ("[" * 2_000 + "]" * 2_000, "it is nested too deep; 20 levels at most"),
        ("[" * 21 + "]" * 21, "it is nested too deep; 20 levels at most"),
        ('{"a":' * 20 + "1" + "}" * 20, "it is nested too deep; 20 levels at most"),
        ('{"a":' * 2_000 + "1" + "}" * 2_000, "it is nested too deep; 20 levels at most"),
        ('["\\ud800"]', "at `/0`: half of a surrogate pair is not a character"),
        ('{"a/b": {"~": "\\ud800"}}', "at `/a~1b/~0`: half of a surrogate pair is not a character"),
        ('{"a": {"\\udfff": 1}}', "at `/a`: half of a surrogate pair is not a character"),
        ('["\ud800"]', "it has half of a surrogate pair, which is not a character"),
        ('{"\\udfff": 1}', "at the top: half of a surrogate pair is not a character"),
        ('"' + "x" * LARGEST_SOURCE + '"', "it is too large; 16,384 bytes at most"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source, sentence):
    assert refusal(source) == sentence


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "line 1, column 1: "),
        ('{"a": 1,\n "b": x}', "line 2, column 7: "),
        ('{"a": "\n"}', "line 1, column 8: "),
        ('{"a": 1} b', "line 1, column 10: "),
        ('{"a": 1, "a": 2}', "the key `a` is given twice"),
        ("[NaN]", "`NaN` is not a number"),
        ("[-Infinity]", "`-Infinity` is not a number"),
        ("[1e999]", "the number `1e999` is too large"),
        ("9" * 5_000, "a number is too large"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place_or_value(source, why):
    assert refusal(source).startswith(f"it cannot be read as JSON: {why}")


def test_a_document_may_be_20_levels_deep_and_have_16_kib():
    assert filled([[]]) == [[]]
    for source in (
        "[" * 20 + "]" * 20,
        '{"a":' * 19 + "1" + "}" * 19,
        '"' + "x" * (LARGEST_SOURCE - 2) + '"',
    ):
        assert Template.parse(source, FACTS).render(FACTS).decode() == source


def test_a_text_may_have_four_filters():
    assert filled("{{ name | first_line | lower | cut: 3 | upper }}") == "A\N{HORIZONTAL ELLIPSIS}"


def test_lists_within_lists_go_two_deep():
    nested = {"rows": [{"cells": [{"deep": ["x"]}]}]}
    document = [
        {
            "$data": "{{ rows }}",
            "a": [
                {"$data": "{{ cells }}", "b": [{"$data": "{{ deep }}", "$value": "{{ value }}"}]}
            ],
        }
    ]
    with pytest.raises(InvalidError) as refused:
        Template.parse(json.dumps(document), nested)

    assert refused.value.message == ("at `/0/a/0/b/0/$data`: lists within lists go 2 deep at most")


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        (["x", 1, "{{ name }}"] + [1] * 5_000, "5,005 values and fills in 1 texts"),
        (["{{ name }} {{ count }}"] * 501, "502 values and fills in 1,002 texts"),
        ({"a": ["{{ nodes }}"] * 167}, "1,171 values and fills in 1,002 texts"),
        (
            [{"$data": "{{ nodes }}", "$value": ["{{ message }}"] * 501}],
            "2,007 values and fills in 1,002 texts",
        ),
        (
            [{"$when": "{{ yes }}", "$value": ["{{ name }}"] * 501, "$else": "{{ name }}"}] * 2,
            "2,011 values and fills in 1,004 texts",
        ),
    ],
)
def test_a_document_is_measured_by_its_values_and_the_texts_that_it_fills_in(document, counts):
    assert refusal(document).startswith(f"with full lists it has {counts}; 5,000 and 1,000 at most")


def test_a_document_may_have_5000_values_and_1000_texts_and_32_kib_without_them():
    long = {"name": "x" * 40_000, "numbers": [1] * 2_000}
    for document in ([1] * 4_999, ["{{name}}|"] * 1_000, ["{{ numbers }}"] * 3):
        Template.parse(json.dumps(document), long)

    rows, largest = {"rows": [1] * 7}, 4_678
    assert len(json.dumps(["y" * largest] * 7, separators=(",", ":"))) == LARGEST_FRAME
    for size, is_taken in ((largest, True), (largest + 1, False)):
        document = json.dumps([{"$data": "{{ rows }}", "$value": "y" * size}])
        with contextlib.nullcontext() if is_taken else pytest.raises(InvalidError):
            Template.parse(document, rows)


def test_texts_that_just_have_room_are_not_cut():
    template = Template.parse(json.dumps(["{{ name }}"] * 17), FACTS)

    rendered = template.render({**FACTS, "name": "x" * 3_852})

    assert len(rendered) == LARGEST_OUTPUT
    assert json.loads(rendered) == ["x" * 3_852] * 17


def test_what_is_rendered_is_json_without_spaces_in_utf_8():
    assert Template.parse('{"a": ["é", 1]}', FACTS).render(FACTS) == '{"a":["é",1]}'.encode()


def test_facts_that_are_not_there_are_null_and_lists_that_are_not_there_are_empty():
    document = {
        "url": "{{ run.url }}",
        "nodes": [{"$data": "{{ nodes }}", "$value": "{{ name }}"}],
    }

    assert filled(document, {**FACTS, "run": None, "nodes": None}) == {"url": None, "nodes": []}


@pytest.mark.parametrize(("texts", "characters"), [(1, 4_000), (100, 4_000), (900, 444)])
def test_the_more_texts_a_document_fills_in_the_shorter_each_may_be(texts, characters):
    template = Template.parse(json.dumps(["{{ name }}"] * texts), FACTS)

    assert template.limit == characters


def test_a_document_that_grows_too_large_by_its_lists_is_refused():
    sample = {"rows": [{"cells": ["x"] * 10}] * 10}
    inner = {"$data": "{{ cells }}", "$value": "y" * 1_000}
    with pytest.raises(InvalidError, match=f"without any text of the event; {LARGEST_FRAME:,}"):
        Template.parse(json.dumps([{"$data": "{{ rows }}", "a": [inner]}]), sample)

    many = {"$data": "{{ cells }}", "$value": "{{ value }}" * 1_000}
    with pytest.raises(InvalidError, match="fills in 100,000 texts"):
        Template.parse(json.dumps([{"$data": "{{ rows }}", "a": [many]}]), sample)

    with pytest.raises(InvalidError, match="values and fills in"):
        Template.parse(
            json.dumps([{"$data": "{{ rows }}", "a": [{"$data": "{{ cells }}", "b": [1] * 99}]}]),
            sample,
        )


@pytest.mark.parametrize(
    "source",
    ["{{" * 8_000, "{{ " + " " * 16_000, "{{ not" + " not" * 4_000, "{{ a" + ".a" * 8_000 + " }}"],
)
def test_nothing_takes_long_to_refuse(source):
    for document in ({"a": source}, [{"$when": source}], [{"$data": source}]):
        refusal(document)


documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from([f"{{{{ {path} }}}}" for path in PATHS])
    | st.sampled_from([f"a {{{{ {path} | html }}}} b" for path in PATHS]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
        | inner.map(lambda one: [{"$data": "{{ nodes }}", "$value": one}])
        | inner.map(lambda one: [{"$when": "{{ count }}", "$value": one}])
    ),
    max_leaves=20,
)
values = st.sampled_from(hostile.ATTACKS) | st.text()


@QUICKLY
@given(document=documents, name=values, message=values, count=st.integers())
def test_what_is_rendered_is_always_json_within_bounds(document, name, message, count):
    facts = {
        **FACTS,
        "name": name,
        "count": count,
        "nodes": [{"name": name, "message": message, "tags": [message, message]}] * 2,
    }
    try:
        template = Template.parse(json.dumps(document), FACTS)
    except InvalidError:
        return
    rendered = template.render(facts)

    json.loads(rendered)
    assert len(rendered) <= LARGEST_OUTPUT


def test_texts_are_cut_shorter_where_all_of_it_would_be_too_large():
    source = json.dumps(["{{ name | html }}"] * 100)
    rendered = Template.parse(source, FACTS).render({**FACTS, "name": '"' * 100_000})

    assert len(rendered) <= LARGEST_OUTPUT
    assert json.loads(rendered) == ["&quot;" * 61 + "\N{HORIZONTAL ELLIPSIS}"] * 100


def in_format(event, **given: object) -> Rendered:
    format_ = FORMATS["template"]
    chosen = format_.check(changed(format_.settings(), given))
    return format_.render(event, stories.telling(), chosen)


def test_every_name_is_there_whatever_an_event_is_about():
    known = list(names_in(SAMPLE))
    for event in (
        stories.started(),
        stories.failed(),
        stories.succeeded(),
        stories.canceled(),
        stories.missed(),
        a_deactivation(),
    ):
        facts = template_facts(message_of(event, stories.telling()), stories.telling())

        assert list(names_in(facts)) == known


def facts_of(event: Event | Notice) -> dict[str, object]:
    telling = stories.telling()
    return template_facts(message_of(event, telling), telling)


def test_a_failure_has_exactly_these_facts():
    facts = facts_of(failed_with(ORDERS))

    assert str(facts.pop("text")).startswith("✗ nightly failed in prod\n\n2 of 46 nodes failed\n\n")
    assert facts == {
        "headline": "✗ nightly failed in prod",
        "reason": "2 of 46 nodes failed",
        "status": "failed",
        "severity": "bad",
        "is_failure": True,
        "is_success": False,
        "key": "runhook-1-job-2-environment-121221",
        "event": {
            "id": "wev_3AKOxVSmqKvJ04VSSA8Z9R1u1pQ",
            "type": "job.run.completed",
            "at": "2026-03-01T04:04:14Z",
        },
        "account": {"id": 1},
        "webhook": {"id": "wsu_2PK4VE772408oHuYxq9BYDN6ONi", "name": "to the team"},
        "project": {"id": 37, "name": "shop"},
        "environment": {"id": 121221, "name": "prod"},
        "job": {"id": 2, "name": "nightly"},
        "run": {
            "id": 812,
            "url": "https://runhook.example.com/accounts/1/runs/812",
            "reason": "scheduled",
            "dbt_version": "1.11.16",
            "started_at": "2026-03-01T04:00:02Z",
            "finished_at": "2026-03-01T04:04:14Z",
            "seconds": 252,
        },
        "trigger": {
            "url": "https://github.com/acme/warehouse/actions/runs/41",
            "system": "github_actions",
            "commit": stories.COMMIT,
            "pull_request": 7,
        },
        "facts": [
            {"name": "Project", "value": "shop"},
            {"name": "Duration", "value": "4 min 12 s"},
            {"name": "Trigger", "value": "scheduled"},
            {"name": "Nodes", "value": "41 success, 1 error, 1 fail, 3 skipped"},
            {"name": "Downstream", "value": "revenue"},
            {"name": "Started by", "value": "github_actions"},
            {"name": "dbt", "value": "1.11.16"},
        ],
        "links": [
            {"title": "Open the run", "url": "https://runhook.example.com/accounts/1/runs/812"},
            {
                "title": "Open what started it",
                "url": "https://github.com/acme/warehouse/actions/runs/41",
            },
        ],
        "nodes": [
            {
                "name": "orders",
                "unique_id": "model.shop.orders",
                "type": "model",
                "status": "error",
                "message": "no such column: amount",
                "path": "models/orders.sql",
                "package": "shop",
                "owners": ["Ann"],
                "groups": ["sales"],
                "tags": ["nightly"],
                "exposures": ["revenue"],
            }
        ],
        "more_nodes": 1,
        "total_nodes": 2,
    }


def test_what_an_event_has_not_is_empty_or_null():
    facts = facts_of(a_deactivation())

    nowhere = {"id": None, "name": ""}
    assert (facts["project"], facts["environment"], facts["job"]) == (nowhere, nowhere, nowhere)
    assert facts["trigger"] == {"url": None, "system": "", "commit": "", "pull_request": None}
    assert facts["run"] == {
        "id": None,
        "url": "https://runhook.example.com/accounts/123/webhooks/wsu_2PK5Gz3mJk6nVw1sT8aXyRQ4bCd",
        "reason": "",
        "dbt_version": "",
        "started_at": None,
        "finished_at": None,
        "seconds": None,
    }
    assert (facts["nodes"], facts["more_nodes"], facts["total_nodes"]) == ([], 0, 0)


def test_a_success_is_one_and_no_failure():
    facts = facts_of(stories.succeeded())

    assert (facts["is_success"], facts["is_failure"]) == (True, False)


def test_a_run_whose_clock_went_back_took_no_time():
    event = stories.succeeded()
    began_later = replace(event.run, started_at=stories.ENDED + timedelta(minutes=1))

    assert facts_of(replace(event, run=began_later))["run"]["seconds"] == 0


def test_a_link_that_is_not_known_is_null():
    telling = replace(stories.telling(), public_url=None)
    facts = template_facts(message_of(stories.started(commit=""), telling), telling)

    assert facts["run"]["url"] is None


def test_names_that_people_chose_are_one_line_of_200_characters_at_most():
    telling = replace(stories.telling(), webhook_name="a\n" + "b" * 300)
    facts = template_facts(message_of(stories.started(), telling), telling)

    assert facts["webhook"]["name"] == "a " + "b" * 197 + "\N{HORIZONTAL ELLIPSIS}"


def test_each_list_is_at_most_as_long_as_the_one_that_a_document_is_checked_with():
    many = [f"n{number}" for number in range(20)]
    node = {
        **ORDERS,
        "owners": [{"name": one} for one in many],
        "groups": many,
        "tags": many,
        "exposures": [{"name": one} for one in many],
    }
    facts = facts_of(failed_with(*[node] * 50))

    for name in ("nodes", "links"):
        assert len(facts[name]) == len(SAMPLE[name])
    assert len(facts["facts"]) <= len(SAMPLE["facts"]) == 10
    for name in ("owners", "groups", "tags", "exposures"):
        assert len(facts["nodes"][0][name]) <= len(SAMPLE["nodes"][0][name]) == 10
    assert facts["total_nodes"] == 51


def test_a_document_is_filled_in_with_a_failure():
    body = {
        "title": "{{ headline }}",
        "status": "{{ status }}",
        "run": "{{ run.id }}",
        "seconds": "{{ run.seconds }}",
        "nodes": [{"$data": "{{ nodes }}", "$value": "{{ name }}: {{ status }}"}],
        "commit": "{{ trigger.commit }}",
    }

    assert json.loads(in_format(stories.failed(), body=json.dumps(body)).body) == {
        "title": "✗ nightly failed in prod",
        "status": "failed",
        "run": 812,
        "seconds": 252,
        "nodes": ["orders: error", "not_null_customers_id: fail"],
        "commit": stories.COMMIT,
    }


def test_the_owner_chooses_content_type_method_and_signature():
    format_ = FORMATS["template"]
    given = {"body": "{}", "content_type": "Application/VND.acme+json", "method": "PUT"}
    chosen = changed(format_.settings(), {**given, "signed": False})

    assert in_format(stories.failed(), **given).headers == {
        "Content-Type": "application/vnd.acme+json"
    }
    assert format_.method(chosen) == "PUT"
    assert not format_.signs(chosen)
    assert format_.signs(changed(format_.settings(), given))
    assert written(chosen) == {
        **given,
        "content_type": "application/vnd.acme+json",
        "signed": False,
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content_type", "json"),
        ("content_type", "application/json\r\nX-Evil: 1"),
        ("content_type", "application/json; charset=latin-1"),
        ("method", "DELETE"),
        ("body", '{"text": "{{ headlin }}"}'),
    ],
)
def test_settings_that_cannot_be_are_refused(field, value):
    with pytest.raises(InvalidError) as refused:
        changed(FORMATS["template"].settings(), {field: value})

    assert refused.value.field == field


def test_a_content_type_is_refused_with_an_example():
    with pytest.raises(InvalidError) as refused:
        changed(FORMATS["template"].settings(), {"content_type": "J" * 100})

    assert refused.value.sentence == (
        f"`{'j' * 80}` is not a content type such as `application/json`"
    )


def test_a_document_is_needed():
    with pytest.raises(InvalidError) as refused:
        FORMATS["template"].check(FORMATS["template"].settings())

    assert refused.value.field == "body"
    assert refused.value.sentence == 'give the document, such as {"text": "{{ headline }}"}'


def test_a_document_is_parsed_once():
    assert template_in('{"once": "{{ headline }}"}') is template_in('{"once": "{{ headline }}"}')


def test_a_status_says_it_all():
    read = FORMATS["template"].read

    assert read(Answer(status=204)).meaning is Meaning.TAKEN
    assert read(Answer(status=404)).meaning is Meaning.FINAL
    assert read(Answer(status=422, body=b"no")).meaning is Meaning.REFUSED
    assert read(Answer(status=503)).meaning is Meaning.RETRY
