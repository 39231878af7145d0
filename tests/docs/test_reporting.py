"""What the pages say of reporting is typed as it stands, with a stub in dbt's place."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.docs.documents import REPOSITORY, block_with
from tests.support.station import Station, Workplace, a_station, a_workplace

REPORTING = REPOSITORY / "docs" / "reporting.md"
BEGIN = 'export RUNHOOK_RUN="$(runhook start --job nightly)"\n'
NAMED = "export RUNHOOK_PROJECT=$(sed 's/name: //' dbt_project.yml)\n"
DEPS, SEED, BUILD = (f"Invoke dbt with `dbt {word}`" for word in ("deps", "seed", "build"))
UNNAMED = "Invoke dbt with `dbt`"
"""The stub's results do not say which command wrote them."""
TYPED = {
    "--environment prod": ("", "", ["Invoke dbt with `dbt build --target prod`"]),
    "--step 'dbt seed'": ("", "", [DEPS, SEED, BUILD]),
    "./nightly.sh": ("", "", [DEPS, BUILD]),
    "--allow-cancel": ("", "", [BUILD]),
    'RUNHOOK_RUN="$(runhook start --job nightly)"': ("", "", [DEPS, BUILD]),
    "runhook finish --exit-code $?": (f"{BEGIN}runhook step -- dbt build\n", "", [BUILD]),
    "--trap": ("", "", [DEPS, BUILD]),
    "--give-up-after": ("", "runhook step -- dbt build\nrunhook finish", [BUILD]),
    "runhook import": (f"{NAMED}dbt build\n", "", [UNNAMED]),
}
"""What comes before and after the block with these words, and the steps of its run."""
README = ("README.md", "https://runhook.example.com")
SHOP = ("examples/shop/README.md", "with it;")


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with a_station(tmp_path_factory.mktemp("station")) as running:
        yield running


@pytest.fixture
def place(station: Station, tmp_path: Path, request: pytest.FixtureRequest) -> Workplace:
    """A project with the script that a page wraps."""
    found = a_workplace(tmp_path, station, re.sub(r"\W+", "_", request.node.name))
    script = found.folder / "nightly.sh"
    script.write_text("#!/bin/sh\nset -e\nrunhook run -- dbt deps\nrunhook run -- dbt build\n")
    script.chmod(0o755)
    return found


def type_in(place: Workplace, script: str) -> None:
    """Type a script in a shell, with what a reader has in place of what the pages show."""
    own = {
        "--project shop": f"--project {place.project}",
        "${{ job.status }}": "success",
        "make -C ../..": f"make --dry-run -C {REPOSITORY}",
        "$PWD/../../.venv-dbt/bin": str(place.folder / "bin"),
    }
    done = place.run("bash", "-euc", place.filled_in(script, own))
    assert done.returncode == 0, done.stderr
    assert "could not" not in done.stderr


def steps_of(station: Station, place: Workplace) -> list[str]:
    """The steps of a place's run, which has succeeded."""
    end = station.events_of(place.project)[-1]
    assert (end.job, end.status) == ("nightly", "Success")
    return [step["name"] for step in station.run(end.run_id)["run_steps"]]


@pytest.mark.parametrize("words", TYPED)
def test_what_is_typed_becomes_a_run_with_its_steps(station, place, words):
    before, after, steps = TYPED[words]

    type_in(place, before + block_with(REPORTING.read_text(), "sh", words) + after)

    assert steps_of(station, place) == steps


@pytest.mark.parametrize(("document", "words"), [README, SHOP], ids=["readme", "shop"])
def test_a_command_beside_dbt_reports_a_run(station, place, document, words):
    type_in(place, block_with((REPOSITORY / document).read_text(), "sh", words))

    assert steps_of(station, place) == [BUILD]


def test_a_step_of_a_workflow_tells_of_the_pull_requests_own_commit(station, place):
    page = (REPOSITORY / "docs" / "formats" / "github_status.md").read_text()
    [step] = yaml.safe_load(block_with(page, "yaml", "DBT_CLOUD_GIT_SHA"))
    assert step["env"]["DBT_CLOUD_GIT_SHA"] == "${{ github.event.pull_request.head.sha }}"
    runner = place.with_variables(DBT_CLOUD_GIT_SHA="5f3c" * 10)

    assert runner.run("bash", "-ec", step["run"]).returncode == 0

    run = station.run(station.events_of(place.project)[-1].run_id)
    assert run["trigger"]["git_sha"] == "5f3c" * 10
