"""GitHub and GitLab show on a commit how the run of its pull request does."""

import json
from dataclasses import replace

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Answer, Meaning
from runhook.domain.options.declaring import changed, options_in
from runhook.domain.runs.run import RunOutcome, RunStatus, Trigger
from tests.formats import stories
from tests.formats.exchanging import Sender
from tests.formats.services import github_status, gitlab_status
from tests.support.builders import a_deactivation

COMMITS = pytest.mark.parametrize("name", ["github_status", "gitlab_status"])
RUN = "https://runhook.example.com/accounts/1/runs/812"
ERRORED = stories.ended(stories.EventType.ERRORED, RunStatus.ERROR, RunOutcome.ERRORED)


def sender_to_github(url: str = "https://api.github.com", **given: object):
    service = github_status.GitHub(str(github_status.SETTINGS["token"]), "acme/warehouse")
    settings = {**github_status.SETTINGS, **given}
    return service, Sender("github_status", service.answer, url, settings)


def sender_to_gitlab(url: str = "https://gitlab.com", **given: object):
    token, project = gitlab_status.SETTINGS["token"], gitlab_status.SETTINGS["project"]
    service = gitlab_status.GitLab(str(token), str(given.get("project", project)))
    settings = {**gitlab_status.SETTINGS, **given}
    return service, Sender("gitlab_status", service.answer, url, settings)


@pytest.mark.parametrize(
    ("event", "on_github", "on_gitlab"),
    [
        (stories.started(), "pending", "pending"),
        (stories.succeeded(), "success", "success"),
        (stories.failed(), "failure", "failed"),
        (ERRORED, "error", "failed"),
        (stories.canceled(), "error", "canceled"),
    ],
)
def test_a_runs_status_is_that_of_its_commit(event, on_github, on_gitlab):
    github, to_github = sender_to_github()
    gitlab, to_gitlab = sender_to_gitlab()

    assert to_github.tell(event).meaning is Meaning.TAKEN
    assert to_gitlab.tell(event).meaning is Meaning.TAKEN
    (status,) = github.statuses[stories.COMMIT].values()
    assert (status["state"], status["target_url"]) == (on_github, RUN)
    (status,) = gitlab.statuses[stories.COMMIT].values()
    assert (status["state"], status["target_url"]) == (on_gitlab, RUN)


def test_a_status_has_one_name_for_all_runs_of_a_job():
    github, sender = sender_to_github()

    sender.tell(stories.started())
    sender.tell(stories.failed())
    sender.tell(stories.succeeded(run_id=813))

    assert list(github.statuses[stories.COMMIT]) == ["dbt: nightly (prod)"]


def test_github_gets_exactly_this():
    _, sender = sender_to_github("https://github.acme.example/api/v3", context="dbt/ci")
    draft = sender.draft(stories.failed())

    assert draft.url == (
        f"https://github.acme.example/api/v3/repos/acme/warehouse/statuses/{stories.COMMIT}"
    )
    assert draft.headers["Authorization"] == f"Bearer {github_status.SETTINGS['token']}"
    assert draft.headers["Accept"] == "application/vnd.github+json"
    assert json.loads(draft.body) == {
        "state": "failure",
        "target_url": RUN,
        "description": "Failed in 4 min 12 s: 2 of 46 nodes failed",
        "context": "dbt/ci",
    }


@pytest.mark.parametrize(
    ("project", "path"), [("4711", "4711"), ("acme/data/warehouse", "acme%2Fdata%2Fwarehouse")]
)
def test_gitlab_gets_exactly_this(project, path):
    _, sender = sender_to_gitlab(project=project)
    draft = sender.draft(stories.failed())

    assert draft.url == f"https://gitlab.com/api/v4/projects/{path}/statuses/{stories.COMMIT}"
    assert draft.headers["PRIVATE-TOKEN"] == gitlab_status.SETTINGS["token"]
    assert "Authorization" not in draft.headers
    assert json.loads(draft.body) == {
        "state": "failed",
        "target_url": RUN,
        "description": "Failed in 4 min 12 s: 2 of 46 nodes failed",
        "name": "dbt: nightly (prod)",
    }


@COMMITS
@pytest.mark.parametrize(
    "trigger",
    [
        None,
        Trigger(commit=stories.COMMIT),
        Trigger(pull_request=7),
        Trigger(pull_request=7, commit="0123456"),
        Trigger(pull_request=7, commit="../../../user/keys/" + "a" * 40),
        Trigger(pull_request=7, commit=stories.COMMIT + "\n"),
        Trigger(pull_request=7, commit="\N{ARABIC-INDIC DIGIT ZERO}" * 40),
    ],
)
def test_a_run_without_a_pull_request_or_a_commit_is_not_told(name, trigger):
    event = stories.failed()

    assert FORMATS[name].tells(event)
    assert not FORMATS[name].tells(replace(event, run=replace(event.run, trigger=trigger)))


@COMMITS
def test_what_is_no_run_is_not_told(name):
    assert not FORMATS[name].tells(stories.missed())
    assert not FORMATS[name].tells(a_deactivation())


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("github_status", "repository", "acme/."),
        ("github_status", "repository", "warehouse"),
        ("github_status", "repository", "acme/warehouse/../../user"),
        ("github_status", "repository", "../user"),
        ("github_status", "repository", "acme/ware house"),
        ("github_status", "context", "x" * 101),
        ("github_status", "token", "two words"),
        ("gitlab_status", "project", "acme"),
        ("gitlab_status", "project", "acme/.."),
        ("gitlab_status", "project", "acme/warehouse?private=1"),
        ("gitlab_status", "token", "line\nend"),
    ],
)
def test_settings_that_cannot_be_are_refused(name, field, value):
    with pytest.raises(InvalidError) as refused:
        changed(FORMATS[name].settings(), {field: value})

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("name", "field", "value", "sentence"),
    [
        ("github_status", "context", "x" * 101, "it has at most 100 characters, in one line"),
        (
            "github_status",
            "repository",
            "a" * 99,
            f"`{'a' * 80}` is not a repository such as `acme/warehouse`",
        ),
        (
            "gitlab_status",
            "project",
            "acme",
            "`acme` is not a project such as `4711` or `acme/data/warehouse`",
        ),
    ],
)
def test_why_a_setting_is_refused_is_said(name, field, value, sentence):
    with pytest.raises(InvalidError) as refused:
        changed(FORMATS[name].settings(), {field: value})

    assert refused.value.sentence == sentence


def test_a_status_has_a_name_of_100_characters_at_most_or_that_of_its_job():
    settings = changed(FORMATS["github_status"].settings(), {"context": f" {'x' * 100} "})
    (context,) = (one for one in options_in(type(settings)) if one.name == "context")

    assert settings.context == "x" * 100
    assert (context.default, context.label) == ("", "Name of the status")
    assert context.hint == "Empty is the job and its environment."
    assert context.help == "what the status is called; the job and its environment if empty"


@pytest.mark.parametrize(
    ("name", "address"),
    [("github_status", "https://api.github.com"), ("gitlab_status", "https://gitlab.com")],
)
def test_a_status_goes_to_the_public_code_host_unless_said_otherwise(name, address):
    assert FORMATS[name].address(FORMATS[name].settings()) == address


@COMMITS
def test_where_and_with_what_has_to_be_said(name):
    place = {"github_status": "repository", "gitlab_status": "project"}[name]
    format_ = FORMATS[name]
    with pytest.raises(InvalidError) as refused:
        format_.check(format_.settings())
    assert refused.value.field == place

    service = {"github_status": github_status, "gitlab_status": gitlab_status}[name]
    with pytest.raises(InvalidError) as refused:
        format_.check(changed(format_.settings(), {place: service.SETTINGS[place]}))
    assert refused.value.field == "token"


@pytest.mark.parametrize(
    ("name", "status", "headers", "meaning"),
    [
        ("github_status", 201, {}, Meaning.TAKEN),
        ("github_status", 401, {}, Meaning.FINAL),
        ("github_status", 403, {}, Meaning.FINAL),
        ("github_status", 403, {"retry-after": "60"}, Meaning.RETRY),
        ("github_status", 404, {}, Meaning.FINAL),
        ("github_status", 422, {}, Meaning.REFUSED),
        ("github_status", 429, {}, Meaning.RETRY),
        ("github_status", 502, {}, Meaning.RETRY),
        ("gitlab_status", 201, {}, Meaning.TAKEN),
        ("gitlab_status", 400, {}, Meaning.REFUSED),
        ("gitlab_status", 401, {}, Meaning.FINAL),
        ("gitlab_status", 403, {}, Meaning.FINAL),
        ("gitlab_status", 404, {}, Meaning.FINAL),
        ("gitlab_status", 429, {}, Meaning.RETRY),
        ("gitlab_status", 500, {}, Meaning.RETRY),
    ],
)
def test_answers_are_read_by_the_services_own_rules(name, status, headers, meaning):
    assert FORMATS[name].read(Answer(status=status, headers=headers)).meaning is meaning


def test_gitlab_is_told_twice_of_one_failure():
    gitlab, sender = sender_to_gitlab()

    assert sender.tell(stories.failed(stories.EventType.ERRORED)).meaning is Meaning.TAKEN
    assert sender.tell(stories.failed()).meaning is Meaning.TAKEN
    assert [one["state"] for one in gitlab.statuses[stories.COMMIT].values()] == ["failed"]


def test_a_wrong_token_and_a_wrong_repository_are_their_owners_to_mend():
    _, wrong_token = sender_to_github(token="wrong")
    _, wrong_place = sender_to_github(repository="acme/other")

    assert wrong_token.tell(stories.failed()).words == "Bad credentials"
    assert wrong_token.tell(stories.failed()).meaning is Meaning.FINAL
    assert wrong_place.tell(stories.failed()).meaning is Meaning.FINAL
