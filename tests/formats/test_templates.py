"""Documents of one's own: always JSON within bounds, and wrong ones refused when they are saved."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Answer, Meaning, Rendered
from runhook.domain.formats.template import SAMPLE, template_facts, template_in
from runhook.domain.messages.message import message_of
from runhook.domain.messages.templates import (
    LARGEST_FRAME,
    LARGEST_OUTPUT,
    LARGEST_SOURCE,
    Template,
    names_in,
)
from runhook.domain.options.declaring import changed, written
from tests.formats import hostile, stories
from tests.support.builders import a_deactivation

QUICKLY = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
FACTS = {
    "name": 'a "quoted"\nname',
    "count": 3,
    "nothing": None,
    "yes": True,
    "run": {"url": "https://x.example/?a=1&b=2", "seconds": 12.5},
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


def test_a_document_is_measured_with_the_longer_of_two_values():
    either = {"$when": "{{ yes }}", "$value": "", "$else": "y" * 4_000}
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


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "line 1, column 1"),
        ('{"a": 1,\n "b": x}', "line 2, column 7"),
        ('{"a": "\n"}', "line 1, column 8"),
        ('{"a": 1} b', "line 1, column 10"),
        ('{"a": {"b": "{{ nam }}"}}', "at `/a/b`: `nam` is unknown; did you mean `name`?"),
        ('{"a/b~": ["x", "{{ run.urls }}"]}', "at `/a~1b~0/1`: `run.urls` is unknown; did you"),
        ('{"a": "{{ name"}', "at `/a`: a `{{` has no `}}`"),
        ('{"a": "{{ }}"}', "at `/a`: `` is not a name"),
        ('{"a": "{{ name | shout }}"}', "`shout` is not a filter; choose from `upper`"),
        ('{"a": "{{ name | html | upper }}"}', "`html` has to be the last filter"),
        ('{"a": "{{ name | html | cut: 5 }}"}', "`html` has to be the last filter"),
        ('{"a": "{{ name | cut: 999999 }}"}', "is not a filter"),
        ('{"a": "{{ name | upper | upper | upper | upper | upper }}"}', "5 filters are too many"),
        ('{"a": "x {{ nodes }}"}', "`nodes` is not a text; repeat over it with `$data`"),
        ('{"a": "x {{ run }}"}', "`run` is not a text"),
        ('{"{{ name }}": 1}', "names are not filled in"),
        ('{"$data": "{{ nodes }}"}', "stand in a list or an object, not outside"),
        ('{"a": {"$data": "{{ nodes }}"}}', "`$data` stands in an object that is in a list"),
        ('[{"$data": "nodes"}]', "at `/0/$data`: write `{{ name }}`"),
        ('[{"$data": 3}]', "at `/0/$data`: write `{{ name }}`"),
        ('[{"$data": "{{ name }}"}]', "at `/0/$data`: `name` is not a list"),
        ('[{"$data": "{{ run }}"}]', "`run` is not a list"),
        ('[{"$when": "name"}]', "at `/0/$when`: write"),
        ('[{"$when": "{{ name > 3 }}"}]', "at `/0/$when`: write"),
        ('[{"$when": "{{ nam }}"}]', "at `/0/$when`: `nam` is unknown"),
        ('[{"$value": 1, "b": 2}]', "beside `$value` only"),
        ('[{"$value": 1, "$else": 2}]', "`$else` stands beside `$when`"),
        ('{"a": 1, "a": 2}', "the key `a` is given twice"),
        ("[NaN]", "`NaN` is not a number"),
        ("[-Infinity]", "`-Infinity` is not a number"),
        ("[1e999]", "the number `1e999` is too large"),
        ("9" * 5_000, "a number is too large"),
        ("[" * 2_000 + "]" * 2_000, "nested too deep"),
        ("[" * 21 + "]" * 21, "nested too deep"),
        ('{"a":' * 2_000 + "1" + "}" * 2_000, "nested too deep"),
        ('["\\ud800"]', "at `/0`: half of a surrogate pair"),
        ('["\ud800"]', "half of a surrogate pair"),
        ('{"\\udfff": 1}', "half of a surrogate pair"),
        ('"' + "x" * LARGEST_SOURCE + '"', "too large"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source, words):
    assert words in refusal(source)


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
    with pytest.raises(InvalidError, match="2 deep at most"):
        Template.parse(json.dumps(document), nested)


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
    assert json.loads(rendered)[0].endswith("&quot;\N{HORIZONTAL ELLIPSIS}")


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


def test_no_list_is_longer_than_the_one_that_a_document_was_checked_with():
    node = stories.RESULTS["failed"][0]
    event = stories.failed()
    results = {**stories.RESULTS, "failed": [node] * 50, "failed_total": 50}
    event = replace(event, run=replace(event.run, results=results))
    facts = template_facts(message_of(event, stories.telling()), stories.telling())

    for name in ("nodes", "facts", "links"):
        assert len(facts[name]) <= len(SAMPLE[name])
    assert facts["total_nodes"] == 50


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


def test_a_document_is_needed():
    with pytest.raises(InvalidError) as refused:
        FORMATS["template"].check(FORMATS["template"].settings())

    assert refused.value.field == "body"


def test_a_document_is_parsed_once():
    assert template_in('{"once": "{{ headline }}"}') is template_in('{"once": "{{ headline }}"}')


def test_a_status_says_it_all():
    read = FORMATS["template"].read

    assert read(Answer(status=204)).meaning is Meaning.TAKEN
    assert read(Answer(status=404)).meaning is Meaning.FINAL
    assert read(Answer(status=422, body=b"no")).meaning is Meaning.REFUSED
    assert read(Answer(status=503)).meaning is Meaning.RETRY
