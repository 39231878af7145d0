"""Command lines are reported without their secrets, and chosen names as they are."""

import json
import shlex
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from runhook.client.dbt.command_lines import shown_command
from runhook.client.origin.facts import StartFact, fit_facts
from runhook.domain.secrets.redaction import Redactor

secrets = st.from_regex(r"[A-Za-z0-9+_.!-][A-Za-z0-9+/_.!-]{7,29}", fullmatch=True)


names = st.from_regex(r"[a-z]{2,10}([-_. ][a-z0-9]{1,10}){0,3}", fullmatch=True)


@given(name=names, secret=st.from_regex(r"[a-z]{3,10}", fullmatch=True))
@example(name="postgres-nightly", secret="postgres")
@example(name="analytics", secret="analytics")
def test_names_that_people_chose_survive_whatever_is_secret(name: str, secret: str):
    redact = Redactor({"POSTGRES_PASSWORD": secret, "DBT_ENV_SECRET_X": secret, "A_TOKEN": name})
    chosen = {
        fact: StartFact(name, "--job") for fact in ("job_name", "project_name", "environment_name")
    }

    assert {fact.value for fact in fit_facts(chosen, redact).values()} == {name}


COMMANDS: list[Callable[[str], list[str]]] = [
    lambda v: ["dbt", "run-operation", "grant", "--args", f"{{password: {v}}}"],
    lambda v: ["dbt", "build", "--vars", json.dumps({"token": v})],
    lambda v: ["dbt", "build", f"--vars={{any: {v}}}"],
    lambda v: ["sh", "-c", f'dbt build --vars "{{any: {v}}}" --target prod'],
    lambda v: ["sh", "-c", f"dbt build --vars '{{any: {v}}}'"],
    lambda v: ["sh", "-c", "dbt build --vars " + shlex.quote(json.dumps({"any": [v, "b c"]}))],
    lambda v: ["bash", "-c", shlex.join(["bash", "-c", f"dbt run --args '{{any: {v} w}}' -t p"])],
    lambda v: [
        "bash",
        "-c",
        shlex.join(["sh", "-c", shlex.join(["x", "--password", f"{v} it's"])]),
    ],
    lambda v: ["env", f"DB_PASS={v}", "dbt", "build"],
    lambda v: [f"DB_PASS={v}", "dbt", "build"],
    lambda v: ["sh", "-c", f"DB_PASS={v} dbt build"],
    lambda v: ["docker", "run", "-e", f"DB_PASS={v} w", "image"],
    lambda v: ["x", "--password", v],
    lambda v: ["x", "--api-key", f"-{v}"],
    lambda v: ["mysql", "-uroot", f"-p{v}", "db"],
    lambda v: ["sh", "-c", f"mysql -uroot -p{v} db; dbt build"],
    lambda v: ["sshpass", "-p", v, "ssh", "host"],
    lambda v: ["curl", "-u", f"me:{v}", "https://x.example"],
    lambda v: ["curl", "-H", f"Authorization: Basic {v}", "https://x.example"],
]


@pytest.mark.parametrize("command", COMMANDS)
@given(secret=secrets)
def test_no_quoting_of_a_command_line_shows_a_secret(
    command: Callable[[str], list[str]], secret: str
):
    assume(secret not in shlex.join(command("")))

    assert secret not in shown_command(command(secret), Redactor({}))


def test_the_rest_of_a_command_line_is_shown():
    command = ["sh", "-c", "cd shop && dbt build --vars '{a: b}' --target prod --select +orders"]

    assert shown_command(command, Redactor({})) == (
        "sh -c 'cd shop && dbt build --vars ... --target prod --select +orders'"
    )
    assert shown_command(["x", "--token-file", "a.txt"], Redactor({})) == "x --token-file a.txt"
