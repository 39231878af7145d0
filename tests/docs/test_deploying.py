"""What the documents, the package's metadata, the workflows and the chart say of the same thing.

Where a page types a program that is not here, a stub notes what that is asked for, and the test
looks for it in the files that are deployed.
"""

import re
import stat
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from runhook.domain.version import VERSION
from runhook.settings import load
from runhook.storage.engine.store import Store
from runhook.storage.service.data_folder import open_vault
from tests.docs.documents import REPOSITORY, block_with, table_rows
from tests.support.patience import PATIENCE

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
PAGE = (REPOSITORY / "docs" / "deploying.md").read_text()
SUPPORTED = {cells[0]: cells[1] for cells in table_rows(PAGE)}
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
CHART = yaml.safe_load((REPOSITORY / "deploy/helm/runhook/Chart.yaml").read_text())
DEPLOY = REPOSITORY / "deploy"
VALUES = yaml.safe_load((DEPLOY / "helm/runhook/values.yaml").read_text())
STUB = """#!/bin/sh
printf '%s\\t' "${0##*/}" "$@" >> "$CALLS"; echo >> "$CALLS"
"""
"""A program that notes its name and its arguments."""
STUBS = ("docker", "helm", "kubectl", "litestream", "python3", "systemctl", "systemd-sysusers")
Calls = list[list[str]]
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


@pytest.fixture
def typed(tmp_path: Path) -> Callable[[str], Calls]:
    """Types a block of the page, and returns what programs that are not here were asked for."""
    (tmp_path / "deploy").symlink_to(DEPLOY)
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    for program in (*STUBS, "opt/bin/pip"):
        path = tmp_path / ("bin" if program in STUBS else "") / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STUB)
        path.chmod(0o755)

    def typing(script: str) -> Calls:
        own = script.replace("/etc/", f"{tmp_path}/etc/").replace(
            "/opt/runhook/bin/pip", f"{tmp_path}/opt/bin/pip"
        )
        calls = tmp_path / "calls"
        subprocess.run(
            ["bash", "-euc", own],
            cwd=tmp_path,
            env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "CALLS": str(calls)},
            timeout=PATIENCE,
            check=True,
        )
        return [line.split("\t")[:-1] for line in calls.read_text().splitlines()]

    return typing


def compose_file(call: list[str]) -> Any:
    """The file that a call of `docker compose` names."""
    assert call[:4] == ["docker", "compose", "-p", "runhook"]
    assert call[4] == "-f"
    return yaml.safe_load((REPOSITORY / call[5]).read_text())


def test_a_token_is_made_in_the_container_that_compose_starts(typed):
    up, make_token = typed(block_with(PAGE, "sh", "sqlite.yaml"))

    assert up[6:] == ["up", "-d"]
    action, service, program = make_token[6:9]
    assert action == "exec"
    assert service in compose_file(up)["services"]
    assert service in compose_file(make_token)["services"]
    environment = Path(program).parents[1]
    assert f"python3 -m venv {environment} " in (DEPLOY / "Containerfile").read_text()


async def test_the_secrets_that_are_made_are_those_that_compose_hands_over(typed, tmp_path):
    [up] = typed(block_with(PAGE, "sh", "secrets/master_key"))

    made = {path.name: path for path in (tmp_path / "secrets").iterdir()}
    files = {name: one["file"] for name, one in compose_file(up)["secrets"].items()}
    assert files == {name: f"../../secrets/{name}" for name in made}
    service = compose_file(up)["services"]["runhook-1"]["environment"]
    environ = {
        name: value.replace("/run/secrets", str(tmp_path / "secrets"))
        for name, value in service.items()
        if name.endswith("_FILE")
    }
    settings, _ = load({}, environ, tmp_path)
    assert f":{made['postgres_password'].read_text().strip()}@" in settings.address_of_database()
    assert settings.master_key is not None
    vault = open_vault(tmp_path, settings.master_key.reveal())
    await Store.open(settings.address_of_database(), vault=vault).close()


def test_the_secret_and_the_values_are_those_that_the_chart_reads(typed):
    namespace, secret, release = typed(block_with(PAGE, "sh", "helm install"))

    assert namespace == ["kubectl", "create", "namespace", "runhook"]
    assert secret[1:5] == ["create", "secret", "generic", VALUES["secretName"]]
    assert {secret[5], release[4]} == {"--namespace=runhook"}
    templates = "".join(path.read_text() for path in DEPLOY.glob("helm/runhook/templates/*"))
    keys = re.findall(r"--from-literal=([\w-]+)=\S", " ".join(secret))
    assert keys == ["master-key", "database-url"]
    assert [key for key in keys if f"/run/secrets/runhook/{key}\n" not in templates] == []
    assert (REPOSITORY / release[3] / "Chart.yaml").is_file()
    for name in re.findall(r"--set ([\w.]+)=", " ".join(release)):
        value = VALUES
        for part in name.split("."):
            value = value[part]


def test_the_units_are_installed_with_what_they_read(typed, tmp_path):
    calls = typed(block_with(PAGE, "sh", "systemctl"))

    assert calls[0] == ["python3", "-m", "venv", "/opt/runhook"]
    packages = [call[2] for call in calls if call[0] == "pip"]
    installing = (REPOSITORY / "docs" / "installing.md").read_text()
    assert [one for one in packages if f'`pip install "{one}"`' not in installing] == []
    assert calls[-1] == ["systemctl", "enable", "--now", "runhook"]
    units = sorted((tmp_path / "etc/systemd/system").iterdir())
    assert [one.name for one in units] == ["runhook-dispatch@.service", "runhook.service"]
    for unit in units:
        assert "ExecStart=/opt/runhook/bin/runhook " in unit.read_text()
        assert "EnvironmentFile=-/etc/runhook/runhook.env\n" in unit.read_text()
    assert stat.S_IMODE((tmp_path / "etc/runhook/runhook.env").stat().st_mode) == 0o600
    assert (tmp_path / "etc/sysusers.d/runhook.conf").is_file()


def test_no_unit_sets_what_the_file_of_settings_has():
    """That file is read last, so that the unit's own value would count for nothing."""
    in_file = re.findall(
        r"^#?(RUNHOOK_\w+)=", (DEPLOY / "systemd/runhook.env").read_text(), re.MULTILINE
    )

    for unit in DEPLOY.glob("systemd/runhook*.service"):
        own = re.findall(r"^Environment=(\w+)=", unit.read_text(), re.MULTILINE)
        assert own
        assert not {*own} & {*in_file}


def test_litestream_reads_the_file_that_is_there(typed):
    page = (REPOSITORY / "docs" / "operations.md").read_text()

    [call] = typed(block_with(page, "sh", "litestream replicate"))

    assert call == ["litestream", "replicate", "-config", "deploy/litestream.yml"]
    assert (REPOSITORY / call[-1]).is_file()


def test_prometheus_scrapes_the_port_and_the_job_that_the_rules_are_of():
    shown = yaml.safe_load(block_with(PAGE, "yaml", "scrape_configs"))
    [scraped] = shown["scrape_configs"]
    [rules] = [DEPLOY / "monitoring" / Path(one).name for one in shown["rule_files"]]

    assert f'job="{scraped["job_name"]}"' in rules.read_text()
    [target] = [one for config in scraped["static_configs"] for one in config["targets"]]
    port = target.rpartition(":")[2]
    assert f"RUNHOOK_METRICS_PORT={port}\n" in (DEPLOY / "systemd/runhook.env").read_text()
