"""What the documents, the package's metadata, the workflows and the chart say of the same thing."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from runhook.domain.version import VERSION
from tests.docs.documents import REPOSITORY, table_rows

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
PAGE = (REPOSITORY / "docs" / "deploying.md").read_text()
SUPPORTED = {cells[0]: cells[1] for cells in table_rows(PAGE)}
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
CHART = yaml.safe_load((REPOSITORY / "deploy/helm/runhook/Chart.yaml").read_text())
PYTHON = "Programming Language :: Python :: 3."


def jobs_in(text: str) -> Mapping[str, Any]:
    jobs: Mapping[str, Any] = yaml.safe_load(text)["jobs"]
    return jobs


def steps_of(text: str) -> Iterator[Mapping[str, Any]]:
    for job in jobs_in(text).values():
        yield from job["steps"]


def test_the_versions_of_python_are_those_of_the_metadata_and_of_the_workflows():
    pythons = SUPPORTED["Python, service and client"].split(", ")
    declared = [one for one in PROJECT["classifiers"] if one.startswith(PYTHON)]
    [tests] = [path for path in WORKFLOWS if path.name == "test.yml"]
    matrix = jobs_in(tests.read_text())["test"]["strategy"]["matrix"]

    assert [one.rpartition(" ")[2] for one in declared] == pythons
    assert matrix["python"] == pythons
    assert PROJECT["requires-python"] == f">={pythons[0]}"


def test_the_chart_and_the_page_are_of_this_version():
    assert (CHART["version"], CHART["appVersion"]) == (VERSION, VERSION)
    assert f"`runhook:{VERSION}`" in PAGE
    oldest = SUPPORTED["Kubernetes"].partition(" ")[0]
    assert CHART["kubeVersion"] == f">={oldest}.0-0"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_an_action_is_fixed_by_a_commit_and_says_its_version(workflow):
    uses = re.findall(r"uses: (.*)", workflow.read_text())

    assert uses
    assert [one for one in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", one)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_may_do_what_it_names_and_no_more(workflow):
    text = workflow.read_text()

    assert yaml.safe_load(text)["permissions"] == {}
    assert all(job["permissions"] for job in jobs_in(text).values())
    checkouts = [step for step in steps_of(text) if "actions/checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
