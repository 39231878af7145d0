"""The guides' snippets, run as they stand, with each system's variables, shell and signals.

What needs Airflow, Dagster or Prefect itself is in `tests/integrations`.
"""

import ast
import configparser
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from runhook.client.reporting.reporter import EXIT_SECONDS
from runhook.client.settings import GRACE_SECONDS
from tests.docs.documents import REPOSITORY, block_with, blocks, links
from tests.support.patience import PATIENCE
from tests.support.running import TOKEN
from tests.support.station import Station, Workplace, a_station, a_workplace

FOLDER = REPOSITORY / "docs" / "guides"
GUIDES = sorted(FOLDER.glob("*.md"))
FIRST_PROCESS = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
SCHEDULED_ON_GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_WORKFLOW": "nightly",
    "GITHUB_JOB": "build",
    "GITHUB_RUN_ID": "17012345678",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_EVENT_NAME": "schedule",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_REF": "refs/heads/main",
}
MERGE_REQUEST_ON_GITLAB = {
    "GITLAB_CI": "true",
    "CI_JOB_NAME": "nightly",
    "CI_PIPELINE_ID": "81",
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_JOB_URL": "https://gitlab.example.com/acme/shop/-/jobs/4",
}
TASK_OF_AIRFLOW = {
    "AIRFLOW_CTX_DAG_ID": "shop",
    "AIRFLOW_CTX_TASK_ID": "build",
    "AIRFLOW_CTX_DAG_RUN_ID": "scheduled__2026-03-01T04:00:00+00:00",
    "AIRFLOW_CTX_TRY_NUMBER": "1",
}


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with a_station(tmp_path_factory.mktemp("station")) as running:
        yield running


@pytest.fixture
def place(station: Station, tmp_path: Path, request: pytest.FixtureRequest) -> Workplace:
    return a_workplace(tmp_path, station, re.sub(r"\W+", "_", request.node.name))


def snippet(guide: str, language: str, words: str = "") -> str:
    """The one block of a guide with ``words`` in it."""
    return block_with((FOLDER / guide).read_text(), language, words)


def types_of(station: Station, place: Workplace) -> list[str]:
    return [event.type for event in station.events_of(place.project)]


def last_event(station: Station, place: Workplace) -> tuple[str, str, str]:
    """The job, the reason and the status of the end of a place's run."""
    event = station.events_of(place.project)[-1]
    return event.job, event.reason, event.status


class TestCron:
    def test_the_crontab_runs_the_script_and_sends_what_is_left(self, station, place):
        (place.folder / "runhook.env").write_text(self.filled_in(place, "sh", "rh_..."))
        script = place.folder / "nightly.sh"
        script.write_text(self.filled_in(place, "sh", "#!/bin/sh"))
        script.chmod(0o755)
        lines = self.filled_in(place, "crontab").splitlines()
        variables = dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
        nightly, flush = (line.split(None, 5)[5] for line in lines if line[0] in "0*")
        # A process is named after the file it was started from.
        (place.folder / "cron").symlink_to("/bin/sh")
        cron = Workplace(place.folder, {"HOME": place.environ["HOME"], **variables}, place.project)

        started_by_cron = cron.run(place.folder / "cron", "-c", f"{nightly}; exit $?")
        flushed = cron.run("/bin/sh", "-c", flush)

        log = (place.folder / "nightly.log").read_text()
        assert (started_by_cron.returncode, log.count("stub dbt")) == (0, 2)
        assert TOKEN not in log
        assert flushed.returncode == 0, flushed.stderr
        assert last_event(station, place) == ("nightly", "scheduled", "Success")
        run = station.run(station.events_of(place.project)[-1].run_id)
        assert [step["name"] for step in run["run_steps"]] == [
            "Invoke dbt with `dbt warn`",
            "Invoke dbt with `dbt build`",
        ]

    def test_the_timers_service_leaves_dbt_time_to_cancel(self, station, place):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str
        unit.read_string(self.filled_in(place, "ini"))
        service = unit["Service"]
        assert service["KillMode"] == "mixed"
        assert float(service["TimeoutStopSec"]) > GRACE_SECONDS + EXIT_SECONDS
        assert service["EnvironmentFile"] == str(place.folder / "runhook.env")

        program, *words = shlex.split(service["ExecStart"])
        under_systemd = place.with_variables(
            INVOCATION_ID="5f3c", JOURNAL_STREAM="8:1", RUNHOOK_JOB="its unit's name"
        )
        assert under_systemd.run(Path(program).name, *words).returncode == 0

        assert last_event(station, place) == ("its unit's name", "scheduled", "Success")

    def filled_in(self, place: Workplace, language: str, words: str = "") -> str:
        files = {
            "/etc/runhook.env": str(place.folder / "runhook.env"),
            "/var/log/": f"{place.folder}/",
            # The stub's words.
            "dbt deps": "dbt warn",
        }
        return place.filled_in(snippet("cron.md", language, words), files)


class TestGitHubActions:
    def test_one_step(self, station, place):
        runner = GitHubRunner(place, job_in("github-actions.md", "setup-python"))

        assert runner.run_steps() == "success"

        assert last_event(station, place) == ("nightly / build", "scheduled", "Success")
        assert types_of(station, place) == ["job.run.started", "job.run.completed"]

    def test_a_pull_request_is_told_of(self, station, place):
        runner = GitHubRunner(place, job_in("github-actions.md", "setup-python"))
        runner.variables |= {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}

        assert runner.run_steps() == "success"

        event = station.events_of(place.project)[-1]
        assert event.reason == "Pull request #7"
        assert station.run(event.run_id)["trigger"]["github_pull_request_id"] == 7

    def test_a_cancel_reaches_dbt_through_the_steps_shell(self, station, place):
        runner = GitHubRunner(place, job_in("github-actions.md", "setup-python"))
        step = runner.steps[-1]["run"].replace(
            "--step 'dbt warn' --step 'dbt build'", "-- dbt wait"
        )
        with runner.started(step) as shell:
            assert shell.stdout.readline() == "ready\n"
            shell.send_signal(signal.SIGINT)
            assert shell.stdout.readline() == "SIGINT\n"
            assert shell.wait(PATIENCE) == 2

        assert types_of(station, place)[-1] == "job.run.canceled"

    @pytest.mark.parametrize("failing", [False, True], ids=["all well", "a step fails"])
    def test_several_steps(self, station, place, failing):
        runner = GitHubRunner(place, job_in("github-actions.md", "runhook start"))
        if failing:
            runner.steps[-2]["run"] = runner.steps[-2]["run"].replace("dbt build", "dbt fail")

        assert runner.run_steps() == ("failure" if failing else "success")

        event = station.events_of(place.project)[-1]
        assert event.status == ("Errored" if failing else "Success")
        assert len(station.run(event.run_id)["run_steps"]) == 2


class GitHubRunner:
    """Runs a job's steps as GitHub does: `bash -e`, a file each, and what $GITHUB_ENV gathers."""

    def __init__(self, place: Workplace, job: Mapping[str, Any]) -> None:
        self.place = place
        self.env_file = place.folder / "github.env"
        self.env_file.touch()
        self.steps = [
            {**step, "run": step["run"].replace("dbt deps", "dbt warn")}
            for step in job["steps"]
            if "run" in step and "pip install" not in step["run"]
        ]
        self.variables = {
            **SCHEDULED_ON_GITHUB,
            "GITHUB_ENV": str(self.env_file),
            **{name: self.rendered(value) for name, value in job["env"].items()},
        }

    def run_steps(self) -> str:
        """The job's status."""
        status = "success"
        for step in self.steps:
            if status == "success" or step.get("if") == "always()":
                command = self.rendered(step["run"], status)
                done = self.shell().run("bash", "-e", self.file_with(command))
                status = "failure" if done.returncode else status
        return status

    def started(self, command: str) -> "AbstractContextManager[subprocess.Popen[str]]":
        """Start a step and leave it running."""
        return self.shell().started("bash", "-e", self.file_with(command))

    def shell(self) -> Workplace:
        gathered = dict(line.split("=", 1) for line in self.env_file.read_text().splitlines())
        return self.place.with_variables(**self.variables, **gathered)

    def file_with(self, command: str) -> Path:
        file = self.place.folder / "step.sh"
        file.write_text(command)
        return file

    def rendered(self, text: str, status: str = "") -> str:
        known = {"secrets.RUNHOOK_TOKEN": TOKEN, "job.status": status}
        found = re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda match: known[match[1]], text)
        return self.place.filled_in(found)


class TestGitLab:
    def test_one_command(self, station, place):
        job = gitlab_job(place, "--step 'dbt deps'")

        assert job.run("script") == 0

        assert last_event(station, place) == ("nightly", "Merge request !7", "Success")

    @pytest.mark.parametrize("failing", [False, True], ids=["all well", "a step fails"])
    def test_several_steps_and_the_script_after_them(self, station, place, failing):
        job = gitlab_job(place, "runhook start", build="dbt fail" if failing else "dbt build")

        code = job.run("script")
        job.run("after_script", CI_JOB_STATUS="failed" if code else "success")

        assert (code != 0) == failing
        event = station.events_of(place.project)[-1]
        assert event.status == ("Errored" if failing else "Success")
        assert len(station.run(event.run_id)["run_steps"]) == 2


class GitLabJob:
    """Runs a job's scripts as GitLab's runner does: a shell each, which stops at what fails."""

    def __init__(self, place: Workplace, job: Mapping[str, Any]) -> None:
        self.job = job
        self.place = place.with_variables(**MERGE_REQUEST_ON_GITLAB, **job["variables"])

    def run(self, name: str, **variables: str) -> int:
        script = "\n".join(["set -eo pipefail", *self.job[name]])
        return self.place.with_variables(**variables).run("bash", "-c", script).returncode


def gitlab_job(place: Workplace, words: str, *, build: str = "dbt build") -> GitLabJob:
    text = place.filled_in(
        snippet("gitlab-ci.md", "yaml", words), {"dbt deps": "dbt warn", "dbt build": build}
    )
    return GitLabJob(place, yaml.safe_load(text)["nightly"])


def job_in(guide: str, words: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(snippet(guide, "yaml", words))["jobs"]["build"]
    return found


class TestKubernetes:
    POD = "nightly-29387520-x7k2p"

    def test_the_cron_job_has_what_the_guide_relies_on(self):
        cron_job = yaml.safe_load(snippet("kubernetes.md", "yaml", "CronJob"))
        assert (cron_job["apiVersion"], cron_job["kind"]) == ("batch/v1", "CronJob")
        pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        [container] = pod["containers"]
        variables = {one["name"]: one for one in container["env"]}
        [mount] = container["volumeMounts"]

        assert pod["restartPolicy"] == "Never"
        assert pod["terminationGracePeriodSeconds"] > GRACE_SECONDS + EXIT_SECONDS
        assert "args" not in container
        assert "value" not in variables["RUNHOOK_TOKEN"]
        assert variables["RUNHOOK_TOKEN"]["valueFrom"]["secretKeyRef"]["name"] == "runhook"
        assert variables["RUNHOOK_SPOOL_DIR"]["value"] == mount["mountPath"]
        assert mount["name"] in {volume["name"] for volume in pod["volumes"]}

    def test_the_container_runs_as_the_first_process(self, station, place):
        cron_job = yaml.safe_load(snippet("kubernetes.md", "yaml", "CronJob"))
        [container] = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]

        assert self.in_pod(place, container["command"]) == 0

        assert last_event(station, place) == ("nightly", "scheduled", "Success")

    def test_a_shell_hands_over_its_place(self, station, place):
        command = yaml.safe_load(snippet("kubernetes.md", "yaml", "exec"))["command"]
        assert command[:2] == ["sh", "-c"]

        assert self.in_pod(place, command) == 0

        assert last_event(station, place) == ("nightly", "scheduled", "Success")

    def in_pod(self, place: Workplace, command: list[str]) -> int:
        """Run a container's command as the first process there is; the stub knows other words."""
        words = [
            word.replace("dbt deps", "dbt warn").replace("dbt --version", "dbt warn")
            for word in command
        ]
        pod = place.with_variables(
            KUBERNETES_SERVICE_HOST="10.96.0.1",
            HOSTNAME=self.POD,
            RUNHOOK_SPOOL_DIR=str(place.folder / "spool"),
        )
        return pod.run(*FIRST_PROCESS, *words).returncode


def test_airflows_command_hands_over_the_shells_place(station, place):
    text = snippet("airflow.md", "python", "append_env")
    [command] = [
        keyword.value.value
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "bash_command"
    ]
    task = place.with_variables(**TASK_OF_AIRFLOW)

    assert command.startswith("exec ")
    assert task.run("bash", "-c", command.replace("dbt deps", "dbt warn")).returncode == 0

    reason = "Triggered via Apache Airflow by task 'build' in the shop DAG."
    assert last_event(station, place) == ("shop.build", reason, "Success")


class TestPython:
    def test_a_loop_of_steps(self, station, place):
        text = snippet("python.md", "python", "for month")

        assert place.run(sys.executable, "-c", text).returncode == 0

        event = station.events_of("shop_by_month")[-1]
        assert (event.job, event.reason, event.status) == ("backfill", "by hand", "Success")
        steps = station.run(event.run_id)["run_steps"]
        assert [step["name"] for step in steps] == ["dbt build 2026-01", "dbt build 2026-02"]

    def test_cells_of_a_notebook(self, station, place):
        cells = [
            snippet("python.md", "python", words)
            for words in ("def sh(", "runhook step", "runhook finish")
        ]

        assert place.run(sys.executable, "-c", "\n".join(cells)).returncode == 0

        event = station.events_of(place.project)[-1]
        assert (event.job, event.reason, event.status) == ("backfill", "by hand", "Success")


def test_dbts_own_upload_is_set_up_as_the_api_says():
    """A real dbt uploads in `tests/end_to_end/test_dbt_uploads.py`."""
    api = (REPOSITORY / "docs" / "api.md").read_text()

    for language, words in [("yaml", "dbt-cloud"), ("sh", "DBT_CLOUD_TOKEN")]:
        assert snippet("dbt-upload.md", language, words) == block_with(api, language, words)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_every_snippet_is_well_formed(guide):
    text = guide.read_text()

    for yml in blocks(text, "yaml"):
        assert yaml.safe_load(yml)
    for python in blocks(text, "python"):
        ast.parse(python)
    for script in blocks(text, "sh"):
        subprocess.run(["bash", "-n", "-c", script], check=True)


def test_every_guide_is_in_the_list_of_guides():
    named = set(links((FOLDER / "README.md").read_text()))

    assert {path.name for path in GUIDES} - named == {"README.md"}
