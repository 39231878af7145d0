"""`runhook webhooks`: the webhooks of an account, from a shell."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.support.mail_server import RealMailServer
from tests.support.program import Finished, Service, runhook
from tests.support.receiver import Receiver, status
from tests.support.running import TOKEN, on_sqlite

pytestmark = on_sqlite


class Shell:
    """A shell on a machine that knows where the service is, and has a token."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self.environment = {"RUNHOOK_URL": url, "RUNHOOK_TOKEN": TOKEN}

    async def webhooks(self, *words: str) -> Finished:
        return await runhook("webhooks", *words, folder=self._folder, environment=self.environment)


async def test_a_webhook_is_created_tested_listed_and_deleted(
    tmp_path: Path, start: Callable[[], Service]
):
    async with Receiver(status(204), status(500)) as receiver, start() as service:
        shell = Shell(tmp_path, service.url)
        (tmp_path / "url").write_text(f"{receiver.url}/dbt\n")
        asked = ("--event", "completed", "--event", "job.run.errored", "--option")
        made = await shell.webhooks(
            "create", "Tell 🎉 the team", "--endpoint", "@url", *asked, "rate_limit=10/second"
        )
        webhook_id = made.out.split()[1]
        taken = await shell.webhooks("test", webhook_id)
        refused = await shell.webhooks("test", webhook_id)
        as_table = await shell.webhooks("list")
        as_json = await shell.webhooks("list", "--json")
        deleted = await shell.webhooks("delete", webhook_id)
        again = await shell.webhooks("delete", webhook_id)
        left = await shell.webhooks("list", "--json")

    assert made.code == 0, made.err
    assert "is created for job.run.completed, job.run.errored." in made.out
    assert "Secret, shown this once: " in made.out
    assert (taken.code, refused.code, deleted.code, again.code) == (0, 1, 0, 1)
    assert "500" in refused.err
    assert again.err.count("\n") == 1
    (listed,) = json.loads(as_json.out)
    assert (listed["id"], listed["rate_limit"]) == (webhook_id, "10/second")
    assert "hmac_secret" not in listed
    assert f"{receiver.url}/dbt" in as_table.out
    assert json.loads(left.out) == []


async def test_a_webhook_that_leaves_an_alert_open_says_so_as_it_is_deleted(
    tmp_path: Path, start: Callable[[], Service]
):
    async with Receiver(status(202)) as receiver, start() as service:
        shell = Shell(tmp_path, service.url)
        key = ("--setting", f"routing_key={'a1' * 16}", "--endpoint", receiver.url)
        made = await shell.webhooks("create", "Page us", "--format", "pagerduty", *key)
        reporting = {"folder": tmp_path, "environment": shell.environment}
        await runhook("run", "--job", "nightly", "--", "false", **reporting)
        await receiver.wait_for(1)
        deleted = await shell.webhooks("delete", made.out.split()[1])

    assert deleted.code == 0
    assert "1 alert stays open in PagerDuty" in deleted.err


async def test_a_webhook_that_mails_is_created_and_tested(
    tmp_path: Path, environment: dict[str, str], start: Callable[[], Service]
):
    with RealMailServer() as server:
        environment["RUNHOOK_SMTP_URL"] = f"smtp://localhost:{server.port}?tls=none"
        environment["RUNHOOK_SMTP_FROM"] = "Runhook <runhook@example.com>"
        async with start() as service:
            shell = Shell(tmp_path, service.url)
            to = ("--format", "email", "--to", "data@example.com", "--to", "ada@example.com")
            made = await shell.webhooks("create", "To the team", *to)
            tried = await shell.webhooks("test", made.out.split()[1])
        letter = server.letter()

    assert (made.code, tried.code) == (0, 0), made.err + tried.err
    assert letter.recipients == ["data@example.com", "ada@example.com"]
    assert letter.body.startswith(b"From: Runhook <runhook@example.com>\r\nTo: data@example.com,")


async def test_what_is_wrong_is_said_in_a_line_and_nothing_is_created(
    tmp_path: Path, start: Callable[[], Service]
):
    async with start() as service:
        shell = Shell(tmp_path, service.url)
        complete = ("create", "x", "--endpoint", "https://93.184.215.14", "--event", "completed")
        wrong = {
            "is not an option of a webhook; did you mean `rate_limit`?": (
                "--option",
                "rate_limt=10/second",
            ),
            "rate_limit": ("--option", "rate_limit=fast"),
            "NAME=VALUE": ("--setting", "routing_key"),
            "no-such-file cannot be read": ("--endpoint", "@no-such-file"),
            "job.run.finished": ("--event", "job.run.finished"),
            "U+202E": ("--description", "turned \u202e around"),
        }
        ended = {word: await shell.webhooks(*complete, *flags) for word, flags in wrong.items()}
        listed = await shell.webhooks("list", "--json")
        shell.environment["RUNHOOK_TOKEN"] = "another"
        unauthorized = await shell.webhooks("list")
        shell.environment.pop("RUNHOOK_TOKEN")
        without = await shell.webhooks("list")

    for word, one in ended.items():
        assert one.code == 1
        assert one.err.count("\n") == 1
        assert word in one.err
    assert json.loads(listed.out) == []
    assert (unauthorized.code, without.code) == (1, 1)
    assert "401" in unauthorized.err
    assert "RUNHOOK_TOKEN" in without.err
