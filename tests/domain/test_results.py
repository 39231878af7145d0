"""Reading run_results.json as dbt Core and dbt v2 write it, and as no program should."""

import contextlib
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.dbt.artifacts import (
    BRIEFLY_KEPT,
    FACTS_BYTES,
    KINDS_OF_STATUS,
    LONGEST_KEPT,
    LONGEST_SECONDS,
    NAME_CHARACTERS,
    NAMED_NODES,
    OTHER_NODES,
    SENTENCE_CHARACTERS,
    SHOWN_NODES,
    SLOWEST_NODES,
    FailedNode,
    RunResults,
    SlowNode,
    UnreadableError,
    failures_in_words,
    project_and_invocation,
    read_results,
    short_name,
    success_in_words,
    summarise,
    taking_turns,
    version_and_step,
)
from runhook.domain.dbt.node_facts import NodeFacts, Owner
from runhook.domain.dbt.results import (
    failed_node,
    has_warned,
    read_node_results,
    slowest_in,
    write_node,
)

TAG = "RUNHOOK_STEP"


def a_node(unique_id: str = "model.shop.orders", status: str = "success", **more: object) -> object:
    return {"unique_id": unique_id, "status": status, **more}


def a_file(*nodes: object, elapsed_time: float = 1.5, **metadata: object) -> bytes:
    return json.dumps(
        {"metadata": metadata, "results": nodes, "elapsed_time": elapsed_time, "args": {}}
    ).encode()


def read(content: bytes) -> RunResults:
    return read_results(io.BytesIO(content), TAG)


def summary(content: bytes) -> Mapping[str, Any]:
    return summarise(read(content), lambda text: text)


def test_reads_whose_results_these_are():
    results = read(
        a_file(
            dbt_version="1.12.6",
            generated_at="2026-11-01T10:00:00.123456Z",
            env={TAG: "abc", "OTHER": "x"},
        )
    )

    assert results.step == "abc"
    assert results.dbt_version == "1.12.6"
    assert results.generated_at is not None
    assert results.generated_at.isoformat() == "2026-11-01T10:00:00.123456+00:00"


def test_statuses_of_freshness_count_as_those_of_core_in_v2s_spelling():
    nodes = [
        a_node(f"source.shop.{one}", one) for one in ("Pass", "Warn", "Error", "Runtime Error")
    ]

    told = summary(a_file(*nodes))

    assert told["counts"] == {"pass": 1, "warn": 1, "error": 1, "runtime error": 1}
    assert (told["failed_total"], [one["status"] for one in told["warned"]]) == (2, ["warn"])


def test_results_of_a_dbt_that_nobody_wrapped_have_no_tag():
    assert read(a_file(env={})).step is None
    assert read(a_file()).step is None


def test_knows_the_slowest_nodes_the_target_and_the_project():
    nodes = [a_node(f"model.shop.m{n}", execution_time=n / 10) for n in range(15)]
    content = json.loads(a_file(*nodes, invocation_id="5f3c"))
    content["args"] = {"target": "prod", "vars": {"secret": "x"}}

    told = summary(json.dumps(content).encode())

    assert [(node["unique_id"], node["seconds"]) for node in told["slowest"]] == [
        (f"model.shop.m{n}", n / 10) for n in range(14, 4, -1)
    ]
    assert (told["target"], told["project_name"]) == ("prod", "shop")
    assert told["invocation_id"] == "5f3c"
    assert "secret" not in json.dumps(told)


def test_carries_unknown_statuses_through():
    nodes = [a_node(status=one) for one in ("success", "reused", "no-op", "reused")]

    assert summary(a_file(*nodes))["counts"] == {"reused": 2, "success": 1, "no-op": 1}


@pytest.mark.parametrize("status", ["error", "fail", "runtime error", "partial success"])
def test_counts_what_makes_dbt_exit_with_1_as_failed(status: str):
    results = read(a_file(a_node(), a_node("test.shop.t.1a", status, message=None)))

    assert [node.resource_type for node in results.failed] == ["test"]


def test_a_failing_hook_is_an_operation():
    results = read(a_file(a_node("operation.shop.shop-on-run-end-0", "error")))

    assert results.failed[0].resource_type == "operation"


def test_the_errors_that_v2_gives_to_nodes_it_never_ran_are_not_failures():
    nodes = [a_node(f"model.shop.m{n}", "error", message="Compilation Error") for n in range(3)]

    told = summary(a_file(*nodes, elapsed_time=0))

    assert told == {
        "available": True,
        "nodes_known": False,
        "elapsed_seconds": 0.0,
        "project_name": "shop",
    }


@pytest.mark.parametrize(
    "content",
    [
        a_file(a_node(status="error", message="Compilation Error"), elapsed_time=0.2),
        a_file(a_node(status="error", message="Database Error"), elapsed_time=0),
        a_file(elapsed_time=0),
    ],
)
def test_other_errors_are_the_nodes_own(content: bytes):
    assert read(content).nodes_known


def test_shows_ten_failed_nodes_and_how_many_there_were():
    nodes = [a_node(f"model.shop.m{n}", "error") for n in range(25)]

    told = summary(a_file(*nodes))

    assert len(told["failed"]) == 10
    assert told["failed_total"] == 25


def test_tells_of_those_that_warned_too():
    nodes = [a_node(f"test.shop.t{n}.1a", "warn", message=f"Got {n}") for n in range(12)]

    told = summary(a_file(*nodes))

    assert [node["message"] for node in told["warned"]] == [f"Got {n}" for n in range(10)]
    assert [node["message"] for node in told["others"]] == ["Got 10", "Got 11"]
    assert told["failed"] == []


def test_each_owner_is_told_of_though_another_one_has_hundreds_of_failures():
    nodes = [a_node(f"model.shop.m{n}", "error") for n in range(400)]
    facts = {
        f"model.shop.m{n}": NodeFacts(owners=(Owner(name="Ann" if n < 399 else "Bob"),))
        for n in range(400)
    }

    told = summarise(read(a_file(*nodes)), lambda text: text, facts=facts)

    others = cast(list[dict[str, Any]], told["others"])
    assert len(others) == OTHER_NODES
    assert [node["owners"] for node in others[:3]] == [
        [{"name": "Ann"}],
        [{"name": "Bob"}],
        [{"name": "Ann"}],
    ]


def test_a_report_stays_small_whatever_a_manifest_says():
    facts = NodeFacts(
        owners=tuple(
            Owner(name=f"{n}" + "\N{SNOWMAN}" * 190, more={"k" * n: "\N{SNOWMAN}" * 200})
            for n in range(5)
        ),
        tags=tuple("\N{SNOWMAN}" * n for n in range(180, 200)),
    )
    nodes = [a_node(f"model.shop.m{n}", "error", message="x" * 2_000) for n in range(500)]
    all_facts = {f"model.shop.m{n}": facts for n in range(500)}

    told = summarise(read(a_file(*nodes)), lambda text: text, facts=all_facts)

    assert len(json.dumps(told, ensure_ascii=False).encode()) < 300_000


def test_names_what_was_skipped_so_that_it_does_not_count_as_mended():
    nodes = [a_node("model.shop.a", "error"), a_node("model.shop.b", "skipped")]

    assert summary(a_file(*nodes))["skipped_ids"] == ["model.shop.b"]


def test_shortens_messages_after_removing_secrets_from_them():
    message = "x" * 995 + "hunter2hunter2"

    told = summarise(
        read(a_file(a_node(status="error", message=message))),
        lambda text: text.replace("hunter2hunter2", "*****"),
    )

    (failed,) = told["failed"]  # type: ignore[misc] # an object, for all that mypy knows
    assert failed["message"] == "x" * 995 + "*****"


def test_a_report_stays_small_whatever_dbt_writes():
    nodes = [
        a_node("model." + "n" * 10_000 + str(n), "error", message="\N{SNOWMAN}" * 1_000_000)
        for n in range(11)
    ] + [a_node(status="s" * 10_000 + str(n)) for n in range(100)]

    assert len(json.dumps(summary(a_file(*nodes)))) < 1 << 20


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b"\xff\xfe",
        b'{"metadata": {}, "results": 7}',
        b'{"metadata": {}, "results": [7]}',
        b'{"metadata": {}, "results": [{"status": []}]}',
        b'{"metadata": {}, "results": [{"status": "error"}]}',
        b'{"metadata": [], "results": []}',
        b'{"metadata": {"env": 3}, "results": []}',
        b'{"metadata": {"generated_at": "yesterday"}, "results": []}',
        b'{"metadata": {}, "results": [], "elapsed_time": "long"}',
        b"[" * 100_000,
    ],
)
def test_a_file_that_dbt_did_not_write_is_unreadable(content: bytes):
    with pytest.raises(UnreadableError):
        read(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(metadata=json_values, results=json_values, elapsed=json_values)
def test_any_json_is_read_or_unreadable(metadata: object, results: object, elapsed: object):
    content = json.dumps({"metadata": metadata, "results": results, "elapsed_time": elapsed})

    with contextlib.suppress(UnreadableError):
        summary(content.encode())


def test_finds_version_and_tag_in_the_first_bytes_of_a_manifest():
    head = b'{"metadata": {"dbt_version": "1.12.6", "env": {"RUNHOOK_STEP": "abc"}, "adapter'

    assert version_and_step(head, TAG) == ("1.12.6", "abc")
    assert version_and_step(b'{"metadata": \xff', TAG) == ("", None)


@pytest.mark.parametrize(
    ("count", "expected"), [(2, True), (1, True), (0, False), ("2", False), (True, False)]
)
def test_warnings_are_those_that_are_counted(count: object, *, expected: bool):
    assert has_warned({"counts": {"warn": count}}) is expected
    assert not has_warned({"counts": {"error": count}})


@pytest.mark.parametrize("results", [None, {}, {"counts": None}, {"counts": ["warn"]}])
def test_a_run_without_counts_is_not_known_to_have_warned(results: Mapping[str, object] | None):
    assert has_warned(results) is False


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-01T10:00:00", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01T12:00:00+02:00", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01T10:00:00.5Z", datetime(2026, 11, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        (1_793_527_200, None),
        (None, None),
    ],
)
def test_a_time_without_a_zone_is_utc(written: object, moment: datetime | None):
    assert read(a_file(generated_at=written)).generated_at == moment
    assert read(a_file(invocation_started_at=written)).invocation_started_at == moment


def test_a_command_that_selected_nothing_has_results_that_say_so():
    results = read(b'{"metadata": {}, "results": []}')

    assert (results.dbt_version, results.invocation_id, results.project_name) == ("", "", "")
    assert (results.which, results.target, results.step) == ("", "", None)
    assert (results.total, results.failed_total, results.elapsed_seconds) == (0, 0, 0)
    assert (results.failed, results.warned, results.skipped, results.slowest) == ((), (), (), ())
    assert success_in_words(results) == "no nodes were selected"


@pytest.mark.parametrize(
    ("unique_id", "project"),
    [("model.shop.orders", "shop"), ("model.shop", ""), ("orders", ""), ("test.crm.t.1a", "crm")],
)
def test_the_project_is_the_first_nodes(unique_id: str, project: str):
    assert read(a_file(a_node(unique_id), a_node("model.other.x"))).project_name == project


def test_of_very_many_nodes_the_first_are_kept_and_all_are_counted():
    count = NAMED_NODES + 1
    nodes = [
        a_node(f"model.shop.{status}{n}", status)
        for status in ("error", "warn", "skipped", "success")
        for n in range(count)
    ]

    results = read(a_file(*nodes))

    assert (len(results.failed), len(results.warned)) == (NAMED_NODES, NAMED_NODES)
    assert results.skipped == tuple(f"model.shop.skipped{n}" for n in range(NAMED_NODES))
    assert (results.failed_total, results.total) == (count, 4 * count)
    told = summarise(results, str)
    assert told["total"] == 4 * count
    assert told["failed_ids"] == [f"model.shop.error{n}" for n in range(NAMED_NODES)]


def test_the_first_failures_keep_what_they_say_and_the_others_the_beginning():
    nodes = [a_node(f"model.shop.m{n}", "error", message="x" * 99_999) for n in range(12)]

    kept = [len(node.message) for node in read(a_file(*nodes)).failed]

    assert kept == [LONGEST_KEPT] * SHOWN_NODES + [BRIEFLY_KEPT] * 2


def test_a_failure_without_a_message_says_nothing_and_is_the_nodes_own():
    results = read(a_file(a_node(status="error", message=None), elapsed_time=0))

    assert results.failed[0].message == ""
    assert results.nodes_known


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (1.23456, [1.235]),
        (LONGEST_SECONDS - 1, [LONGEST_SECONDS - 1]),
        (0, []),
        (-1, []),
        (LONGEST_SECONDS, []),
        ("1", []),
        (None, []),
        (True, []),
    ],
)
def test_a_duration_that_cannot_be_is_not_told(seconds: object, told: list[float]):
    summarised = summary(a_file(a_node(execution_time=seconds)))

    assert [node["seconds"] for node in summarised["slowest"]] == told


def test_the_time_of_a_command_is_told_to_the_millisecond():
    assert summary(a_file(a_node(), elapsed_time=1.23456))["elapsed_seconds"] == 1.235


def test_messages_can_be_left_out_and_owners_are_told_all_the_same():
    content = a_file(
        a_node(status="error", message="secret"), a_node("test.shop.t.1a", "warn", message="secret")
    )
    facts = {"model.shop.orders": NodeFacts(owners=(Owner(name="Ann"),))}

    told = summarise(read(content), str, with_messages=False, facts=facts)

    assert told["failed"] == [
        {
            "unique_id": "model.shop.orders",
            "resource_type": "model",
            "status": "error",
            "message": "",
            "owners": [{"name": "Ann"}],
        }
    ]
    assert "secret" not in json.dumps(told)


def test_names_are_shortened_and_only_the_most_frequent_statuses_are_told():
    long = "model.shop." + "n" * NAME_CHARACTERS
    nodes = [a_node(long, "error", execution_time=1), a_node(long, "skipped")]
    rare = [a_node(status=f"s{n}") for n in range(KINDS_OF_STATUS)]

    told = summary(a_file(*nodes, *rare, a_node(status="s0")))

    short = long[: NAME_CHARACTERS - 1] + "…"
    assert told["failed"][0]["unique_id"] == told["slowest"][0]["unique_id"] == short
    assert told["skipped_ids"] == [short]
    assert len(told["counts"]) == KINDS_OF_STATUS
    assert told["counts"]["s0"] == 2


def test_no_key_is_told_of_what_there_is_not():
    assert summary(a_file(a_node())) == {
        "available": True,
        "nodes_known": True,
        "elapsed_seconds": 1.5,
        "project_name": "shop",
        "total": 1,
        "counts": {"success": 1},
        "failed_total": 0,
        "failed": [],
        "slowest": [],
    }


def test_owners_are_told_of_the_first_nodes_until_their_room_is_used_up():
    nodes = [a_node(f"model.shop.m{n}", "error") for n in range(3)]
    owner = NodeFacts(owners=(Owner(name="A", more={"k": "x" * (FACTS_BYTES // 2)}),))
    facts = {f"model.shop.m{n}": owner for n in range(3)}

    told = summarise(read(a_file(*nodes)), str, facts=facts)

    failed = cast(list[dict[str, Any]], told["failed"])
    assert ["owners" in node for node in failed] == [True, False, False]


def test_turns_are_taken_in_the_order_of_each_ones_first():
    assert taking_turns(["a1", "a2", "b1", "a3", "b2"], lambda one: one[0]) == [
        *("a1", "b1", "a2", "b2", "a3"),
    ]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 of 2 nodes failed: m0"),
        (3, "3 of 4 nodes failed: m0, m1, m2"),
        (4, "4 of 5 nodes failed: m0, m1, m2, ..."),
    ],
)
def test_the_first_failures_are_named_in_a_sentence(count: int, words: str):
    nodes = [a_node(f"model.shop.m{n}", "error") for n in range(count)]

    assert failures_in_words(read(a_file(*nodes, a_node()))) == words


def test_a_sentence_of_long_names_is_shortened():
    nodes = [a_node("model.shop." + letter * 200, "error") for letter in "abc"]

    words = failures_in_words(read(a_file(*nodes)))

    assert len(words) == SENTENCE_CHARACTERS
    assert words.endswith("…")


@pytest.mark.parametrize(
    ("statuses", "words"),
    [(["success"], ""), (["warn", "success", "warn"], "2 of 3 nodes warned")],
)
def test_a_success_says_what_it_hides(statuses: list[str], words: str):
    assert success_in_words(read(a_file(*(a_node(status=one) for one in statuses)))) == words


@pytest.mark.parametrize(
    ("unique_id", "name"),
    [
        ("model.shop.orders", "orders"),
        ("test.shop.unique_id.1a2b3c", "unique_id"),
        ("model.shop", "model.shop"),
        ("", ""),
    ],
)
def test_a_node_is_called_by_its_name(unique_id: str, name: str):
    assert short_name(unique_id) == name


def test_finds_project_and_invocation_in_the_first_bytes_of_a_manifest():
    head = b'{"metadata" : {"invocation_id" : "5f3c", "project_name":\n"shop", "x": "\xff'

    assert project_and_invocation(head) == ("shop", "5f3c")
    assert project_and_invocation(b'{"metadata": {"project_name": "a\\"b"') == ("", "")
    assert project_and_invocation(b"") == ("", "")


def test_a_tag_is_found_as_it_is_spelled():
    assert version_and_step(b'{"A.B" : "x", "dbt_version":"1"', "A.B") == ("1", "x")
    assert version_and_step(b'{"AxB": "x"', "A.B") == ("", None)


def test_a_summary_without_counts_does_not_know_how_many_nodes_there_were():
    assert read_node_results(None).counts is None
    assert read_node_results({"failed": []}).counts is None
    assert read_node_results({"counts": {"success": 2, "error": True, "warn": "3"}}).counts == {
        "success": 2
    }


def test_as_many_failed_as_are_counted_or_named():
    named = [{"unique_id": "model.shop.a"}] * 2

    assert read_node_results({"failed_total": 3, "failed": named}).failed_total == 3
    assert read_node_results({"failed_total": 1, "failed": named}).failed_total == 2


@pytest.mark.parametrize(
    ("seconds", "is_told"),
    [
        (0.5, True),
        (1, True),
        (LONGEST_SECONDS - 1, True),
        *((one, False) for one in (0, -1, LONGEST_SECONDS, "1", None, True)),
    ],
)
def test_a_node_is_slow_by_a_duration_that_can_be(seconds: object, *, is_told: bool):
    slow = slowest_in({"slowest": [{"unique_id": "model.shop.a", "seconds": seconds}]})

    assert [one.unique_id for one in slow] == (["model.shop.a"] if is_told else [])


def test_some_slow_nodes_are_read_with_short_names():
    nodes = [{"unique_id": f"{n}" * 400, "seconds": n} for n in range(1, 9)] * 2

    slow = slowest_in({"slowest": [7, *nodes]})

    assert slow[0] == SlowNode(unique_id="1" * (NAME_CHARACTERS - 1) + "…", seconds=1)
    assert len(slow) == SLOWEST_NODES
    assert list(slowest_in(None)) == []


def test_a_node_is_read_as_it_was_written():
    node = FailedNode(
        unique_id="model.shop.orders",
        resource_type="model",
        status="error",
        message="no such column",
        facts=NodeFacts(tags=("nightly",)),
    )

    assert failed_node(write_node(node)) == node
    assert failed_node({}) == FailedNode(unique_id="", resource_type="", status="", message="")


def test_a_slow_node_without_a_duration_does_not_hide_those_behind_it():
    nodes = [{"unique_id": "a", "seconds": one} for one in (None, True, 0, 2.5)]

    assert slowest_in({"slowest": nodes}) == [SlowNode(unique_id="a", seconds=2.5)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"metadata": {}, "results": [', "not JSON, or cut off"),
        (b'{"metadata": {}}', "not a list of node results"),
        (b'{"metadata": {}, "results": {}}', "not a list of node results"),
    ],
)
def test_what_is_unreadable_is_said_in_what_way(content: bytes, why: str):
    with pytest.raises(UnreadableError) as refused:
        read(content)

    assert str(refused.value) == why


@pytest.mark.parametrize(
    ("failed", "named"), [(SHOWN_NODES, None), (SHOWN_NODES + 1, SHOWN_NODES + 1)]
)
def test_more_failed_nodes_than_are_shown_are_named(failed: int, named: int | None):
    nodes = [a_node(f"model.shop.m{number}", "error") for number in range(failed)]

    ids = summary(a_file(*nodes)).get("failed_ids")

    assert (None if ids is None else len(ids)) == named
