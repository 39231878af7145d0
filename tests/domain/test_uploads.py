"""What an archive of dbt's artifacts tells of a run."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from runhook.client.dbt.tag import TAG
from runhook.domain.errors import InvalidError
from runhook.domain.runs.run import RunOutcome, RunStatus
from runhook.domain.runs.uploads import (
    HEAD_BYTES,
    LARGEST_MANIFEST_OBJECT,
    STEP_TAG,
    Belonging,
    Uploaded,
    read_upload,
)
from tests.support.archives import INVOCATION, an_upload, archive, run_results

LARGEST = 1 << 20
MANIFESTS = sorted((Path(__file__).parent / "manifests").glob("*.json"))
CUSTOMERS = "model.owned.customers"
ENDED_AT = datetime(2026, 3, 1, 4, 7, 31, 640_270, tzinfo=UTC)


def told(content: bytes) -> Uploaded | None:
    with TemporaryFile() as scratch:
        return read_upload(BytesIO(content), Belonging("prod"), scratch=scratch, largest=LARGEST)


def read(*statuses: str, **fields) -> Uploaded:
    uploaded = told(an_upload(*statuses, **fields))
    assert uploaded is not None
    return uploaded


def test_a_command_is_a_run_with_the_times_and_the_id_of_its_artifacts():
    uploaded = read("success", "warn")

    start, finish = uploaded.start, uploaded.finish
    assert start.run_key == f"dbt-{INVOCATION}"
    assert (start.job_name, start.project_name, start.environment_name) == (
        "dbt build",
        "shop",
        "prod",
    )
    assert (start.started_at, finish.finished_at) == (ENDED_AT - timedelta(seconds=60.5), ENDED_AT)
    assert (finish.status, finish.outcome) == (RunStatus.SUCCESS, RunOutcome.COMPLETE)
    assert finish.status_message == "1 of 2 nodes warned"
    assert finish.results["counts"] == {"success": 1, "warn": 1}


def test_tags_name_the_run():
    tags = {
        "RUNHOOK_JOB": "nightly",
        "RUNHOOK_PROJECT": "crm",
        "RUNHOOK_ENVIRONMENT": "stage",
        "RUNHOOK_REASON": "scheduled",
        "RUNHOOK_RUN": "dag-41",
        "RUNHOOK_LINK": "https://ci.example.com/41",
    }

    start = read(tags=tags).start

    assert (start.job_name, start.project_name, start.environment_name, start.run_reason) == (
        "nightly",
        "crm",
        "stage",
        "scheduled",
    )
    assert (start.trigger.external_id, start.trigger.link) == ("dag-41", tags["RUNHOOK_LINK"])


def test_dbt_says_since_1_12_when_it_began():
    start = read(metadata={"invocation_started_at": "2026-03-01T04:00:02Z"}).start

    assert start.started_at == datetime(2026, 3, 1, 4, 0, 2, tzinfo=UTC)


def test_a_run_has_failed_if_a_node_has():
    finish = read("success", "error", "fail").finish

    assert (finish.status, finish.outcome) == (RunStatus.ERROR, RunOutcome.FAILED)
    assert finish.status_message == "2 of 3 nodes failed: m1, m2"
    assert finish.results["failed"][0]["message"] == "Database Error in model m1"


def test_what_is_not_known_to_have_run_is_a_compilation_error():
    failed = {"unique_id": "model.shop.a", "status": "error", "message": "Compilation Error"}
    finish = read(results=[failed], elapsed_time=0).finish

    assert (finish.status, finish.outcome) == (RunStatus.ERROR, RunOutcome.ERRORED)
    assert finish.status_message == "compilation error"
    assert "counts" not in finish.results


def test_secrets_that_the_artifacts_hold_are_in_no_report():
    secrets = ["hunter2hunter2", "s3cr3t-in-a-tag"]
    uploaded = read(
        tags={"API_TOKEN": secrets[1], "RUNHOOK_REASON": f"by {secrets[1]}"},
        args={"which": "build", "vars": {"db_password": secrets[0]}},
        results=[
            {
                "unique_id": "model.shop.a",
                "status": "error",
                "message": f"cannot log in with {secrets[0]} at https://ada:pw@db.example.com",
            }
        ],
    )

    text = json.dumps([asdict(uploaded.start), asdict(uploaded.finish)], default=str)
    assert [one for one in (*secrets, "ada:pw") if one in text] == []
    assert "cannot log in with *****" in text


def test_what_the_wrapper_reports_and_what_ran_no_nodes_is_told_of_by_nobody():
    assert STEP_TAG == TAG
    assert told(an_upload(tags={STEP_TAG: "a step"})) is None
    assert told(archive({"manifest.json": b"{}"})) is None


def test_freshness_of_sources_is_a_run_too():
    uploaded = told(archive({"sources.json": run_results("pass", args={})}))

    assert uploaded is not None
    assert (uploaded.start.job_name, uploaded.start.project_name) == ("dbt run", "shop")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"metadata": {"invocation_id": ""}}, "no invocation_id"),
        ({"metadata": {"invocation_id": "x" * 65}}, "no invocation_id"),
        ({"metadata": {"generated_at": None}}, "do not say when"),
        ({"metadata": {"generated_at": "1970-01-01T00:00:00Z"}}, "do not say when"),
        ({"metadata": {"generated_at": "soon"}}, "run_results.json cannot be read: not JSON"),
        ({"metadata": "garbage"}, "cannot be read"),
        ({"results": "garbage"}, "cannot be read: not a list of node results"),
        ({"elapsed_time": 10**400}, "cannot be read"),
        ({"tags": {"RUNHOOK_JOB": "a\0b"}}, "NUL character"),
        ({"tags": {"RUNHOOK_JOB": "\ud800"}}, "half a character"),
    ],
)
def test_what_is_not_dbts_is_refused(fields, message):
    metadata = fields.get("metadata")
    content = an_upload(**fields) if metadata != "garbage" else None
    if content is None:
        document = json.loads(run_results()) | {"metadata": metadata}
        content = archive({"run_results.json": json.dumps(document).encode()})

    with pytest.raises(InvalidError, match=message):
        told(content)


def test_numbers_that_cannot_be_are_passed_over():
    results = [{"unique_id": "model.shop.a", "status": "success", "execution_time": 1e300}]
    uploaded = read(results=results, elapsed_time=float("nan"))

    assert uploaded.start.started_at == uploaded.finish.finished_at == ENDED_AT
    assert uploaded.finish.results["slowest"] == []


def test_text_that_only_looks_like_a_nul_is_kept():
    assert read(tags={"RUNHOOK_JOB": r"a\u0000b"}).start.job_name == r"a\u0000b"


@pytest.mark.parametrize("engine", MANIFESTS, ids=lambda path: path.stem)
def test_the_nodes_that_failed_are_told_with_whose_they_are(engine: Path):
    results = [
        {"unique_id": "model.owned.payments", "status": "error"},
        {"unique_id": "test.owned.unique_customers_id.70f3d3fd20", "status": "warn"},
        {"unique_id": "model.owned.visits", "status": "success"},
    ]

    told = read(results=results, manifest=engine.read_bytes()).finish.results

    [failed], [warned] = told["failed"], told["warned"]
    assert failed["owners"] == [{"email": "finance@example.com", "group": "finance"}]
    assert (failed["groups"], failed["tags"]) == (["finance"], ["nightly"])
    assert (failed["path"], failed["package"]) == ("models/finance/payments.sql", "owned")
    assert [one["name"] for one in failed["exposures"]] == ["revenue"]
    assert (warned["owners"], warned["attached_to"]) == ([{"name": "Ann"}], [CUSTOMERS])


def test_secrets_in_a_manifest_are_in_no_report():
    manifest = manifest_with({"tags": ["by hunter2hunter2"], "meta": {"owner": "hunter2hunter2"}})
    secret = {"which": "build", "vars": {"db_password": "hunter2hunter2"}}

    told = read("error", args=secret, manifest=manifest).finish.results

    assert told["failed"][0]["tags"] == ["by *****"]
    assert "hunter2hunter2" not in json.dumps(told)


@pytest.mark.parametrize("text", ["\ud800", "\0", "\u202e", "x" * 100_000])
def test_odd_texts_in_a_manifest_do_not_cost_the_upload(text: str):
    named = {"group": text, "tags": [text], "meta": {"owner": {"name": text, text: text}}}

    assert read("error", manifest=manifest_with(named)).finish.outcome is RunOutcome.FAILED


@pytest.mark.parametrize("manifest", [b"", b"{", b"[]", b"\xff\xfe", b'{"nodes": 1}'])
def test_a_manifest_that_is_none_does_not_cost_the_upload(manifest: bytes):
    told = read("error", "success", manifest=manifest).finish.results

    assert [one["unique_id"] for one in told["failed"]] == ["model.shop.m0"]


def manifest_with(node: dict[str, object]) -> bytes:
    """A manifest of one node."""
    node = {"unique_id": "model.shop.m0", "resource_type": "model", "package_name": "shop", **node}
    return json.dumps({"metadata": {}, "nodes": {"model.shop.m0": node}}).encode()


def refusal(content: bytes) -> str:
    with pytest.raises(InvalidError) as refused:
        told(content)
    return refused.value.message


def project_of(manifest: bytes, *, results: list[dict[str, object]], belonging: str = "") -> str:
    """The project to which an upload's run belongs."""
    files = {"manifest.json": manifest, "run_results.json": run_results(results=results)}
    with TemporaryFile() as scratch:
        uploaded = read_upload(
            BytesIO(archive(files)),
            Belonging("prod", belonging),
            scratch=scratch,
            largest=LARGEST,
        )
    assert uploaded is not None
    return uploaded.start.project_name


def test_a_run_belongs_to_the_project_that_is_named_first():
    nodes: list[dict[str, object]] = [{"unique_id": "model.crm.a", "status": "success"}]
    manifest = b'{"metadata": {"project_name" : "shop"}}'

    assert project_of(manifest, results=nodes, belonging="theirs") == "theirs"
    assert project_of(manifest, results=nodes) == "shop"
    assert project_of(b"{}", results=nodes) == "crm"
    assert project_of(b" " * HEAD_BYTES + manifest, results=nodes) == "crm"
    assert project_of(b"{}", results=[]) == "default"
    assert project_of(b'{"project_name": "\xff"}', results=nodes) == "\N{REPLACEMENT CHARACTER}"


def test_a_run_knows_that_dbt_started_it_and_which_version():
    start = read(metadata={"dbt_version": "1" * 65}).start

    assert start.trigger is not None
    assert (start.trigger.system, start.trigger.external_id, start.trigger.link) == ("dbt", "", "")
    assert start.dbt_version == "1" * 63 + "…"
    assert start.run_reason == ""


def test_names_and_texts_of_tags_are_shortened():
    tags = {"RUNHOOK_JOB": "j" * 256, "RUNHOOK_PROJECT": "p" * 255, "RUNHOOK_REASON": "r" * 2_001}

    start = read(tags=tags).start

    assert start.job_name == "j" * 254 + "…"
    assert start.project_name == "p" * 255
    assert start.run_reason == "r" * 1_999 + "…"


def test_an_invocation_has_an_id_of_64_characters_at_most():
    assert read(metadata={"invocation_id": "x" * 64}).start.run_key == "dbt-" + "x" * 64
    assert refusal(an_upload(metadata={"invocation_id": "x" * 65})) == (
        "The results have no invocation_id to tell runs apart."
    )


@pytest.mark.parametrize(("year", "is_possible"), [(1999, 0), (2000, 1), (2199, 1), (2200, 0)])
def test_a_run_ended_in_a_year_that_can_be(year: int, is_possible: int):
    metadata = {"generated_at": f"{year}-06-01T00:00:00Z"}

    if is_possible:
        assert read(metadata=metadata).finish.finished_at.year == year
    else:
        assert refusal(an_upload(metadata=metadata)) == (
            "The results do not say when they were made: generated_at."
        )


def test_a_run_that_began_after_its_end_took_no_time():
    uploaded = read(metadata={"invocation_started_at": "2026-03-01T05:00:00+00:00"})

    assert uploaded.finish.finished_at == uploaded.start.started_at
    assert uploaded.start.started_at == datetime(2026, 3, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("elapsed", "taken"),
    [(0, 0), (0.5, 0.5), (90, 90), (10**7, 10**7), (10**7 + 1, 0), (-1, 0), (float("inf"), 0)],
)
def test_a_command_took_as_long_as_its_nodes_if_that_can_be(elapsed: float, taken: float):
    start = read(elapsed_time=elapsed).start

    assert ENDED_AT - start.started_at == timedelta(seconds=taken)


def test_a_success_of_which_there_is_nothing_to_say_has_no_message():
    assert read("success").finish.status_message is None
    assert read(results=[]).finish.status_message == "no nodes were selected"


def test_results_without_a_byte_are_refused():
    assert refusal(archive({"run_results.json": b""})) == "run_results.json is empty."


def test_a_refusal_names_what_is_wrong():
    assert refusal(an_upload(tags={"RUNHOOK_PROJECT": "a\0b"})) == (
        "The results hold a NUL character, which cannot be kept."
    )
    assert refusal(an_upload(tags={"RUNHOOK_REASON": "\udc00"})) == (
        "The results hold half a character."
    )


@pytest.mark.parametrize("name", ["JOB", "PROJECT", "ENVIRONMENT", "REASON", "RUN", "LINK"])
def test_no_text_of_a_run_is_one_that_cannot_be_kept(name: str):
    assert "NUL" in refusal(an_upload(tags={f"RUNHOOK_{name}": "a\0b"}))
    assert "half a character" in refusal(an_upload(tags={f"RUNHOOK_{name}": "a\ud800b"}))


def test_no_message_of_a_node_holds_a_nul():
    nodes = [{"unique_id": "model.shop.a", "status": "error", "message": "a\0b"}]

    assert "NUL" in refusal(an_upload(results=nodes))
    assert "NUL" in refusal(an_upload(metadata={"dbt_version": "1\0"}))
    assert "NUL" in refusal(an_upload(metadata={"invocation_id": "1\0"}))


def test_results_without_a_manifest_are_told_without_owners():
    uploaded = told(archive({"run_results.json": run_results("error")}))

    assert uploaded is not None
    assert uploaded.finish.results["failed"][0]["unique_id"] == "model.shop.m0"


def test_a_node_of_a_manifest_that_is_too_large_to_decode_is_not_looked_at():
    code = {"compiled_code": "x" * (2 * LARGEST_MANIFEST_OBJECT + 1), "tags": ["nightly"]}
    files = {"run_results.json": run_results("error"), "manifest.json": manifest_with(code)}
    with TemporaryFile() as scratch:
        uploaded = read_upload(
            BytesIO(archive(files)), Belonging("prod"), scratch=scratch, largest=16 << 20
        )

    assert uploaded is not None
    assert "tags" not in uploaded.finish.results["failed"][0]


@pytest.mark.usefixtures("far_from_greenwich")
def test_the_times_of_a_run_are_in_utc():
    uploaded = read(metadata={"invocation_started_at": "2026-03-01T05:00:00+01:00"})

    assert uploaded.start.started_at.isoformat() == "2026-03-01T04:00:00+00:00"
    assert uploaded.finish.finished_at.tzinfo is UTC
