"""Teams, Discord and Google Chat: what they get, and how their answers are read."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Answer, Meaning
from runhook.domain.runs.events import Event
from runhook.domain.runs.run import Run, Trigger
from tests.formats import stories
from tests.formats.exchanging import Sender
from tests.formats.services.discord import Discord
from tests.formats.services.google_chat import GoogleChat
from tests.formats.services.teams import Teams

FLOW = "https://prod-1.westeurope.logic.azure.com:443/workflows/1/triggers/x?api=1&sig=s3cret"
CHANNEL = "https://discord.com/api/webhooks/1/token"
SPACE = "https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=t"
RUN = "https://runhook.example.com/accounts/1/runs/812"
BUILD = "https://github.com/acme/warehouse/actions/runs/41"
RETIRED = (
    "Office connectors were retired. In Teams create a workflow from the template `Post to a "
    "channel when a webhook request is received`, and give its URL"
)
UNSIGNED = (
    "it has no `sig=`: the workflow asks who calls it. Let its trigger be called by `Anyone`, and "
    "copy its URL anew"
)


def test_teams_posts_a_card():
    teams = Teams()
    sender = Sender("teams", teams.answer, FLOW)

    assert sender.tell(stories.failed()).meaning is Meaning.TAKEN
    assert teams.run_history == []
    card = teams.posted[0]["attachments"][0]["content"]
    assert card["version"] == "1.4"
    assert card["body"][0]["style"] == "attention"
    texts = ["".join(one["text"] for one in block["inlines"]) for block in card["body"][1:]]
    assert texts == [
        "2 of 46 nodes failed",
        "Project: shop",
        "Duration: 4 min 12 s",
        "Trigger: scheduled",
        "Nodes: 41 success, 1 error, 1 fail, 3 skipped",
        "Started by: github_actions",
        "dbt: 1.11.16",
        "• orders  Database Error in model orders (models/orders.sql): no such column: amount",
        "• not_null_customers_id  Got 3 results, configured to fail if != 0",
    ]
    assert card["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open the run", "url": RUN},
        {"type": "Action.OpenUrl", "title": "Open what started it", "url": BUILD},
    ]


def test_teams_gets_as_many_nodes_as_have_room():
    teams = Teams()
    sender = Sender("teams", teams.answer, FLOW)
    node = {"unique_id": "model.shop." + "\U0001f600" * 400, "message": "\U0001f600" * 1_000}
    event = stories.failed()
    results = {"counts": {"error": 900}, "failed_total": 900, "failed": [node] * 10}
    event = replace(event, run=replace(event.run, results=results))

    draft = sender.draft(event)
    assert len(draft.body) <= 20_000
    assert (
        "more"
        in json.loads(draft.body)["attachments"][0]["content"]["body"][-1]["inlines"][0]["text"]
    )
    sender.tell(event)
    assert len(teams.posted) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://acme.webhook.office.com/webhookb2/1/IncomingWebhook/2/3", RETIRED),
        ("https://outlook.office.com/webhook/1/IncomingWebhook/2/3", RETIRED),
        ("https://outlook.office365.com/webhook/1/IncomingWebhook/2/3", RETIRED),
        ("https://ACME.WEBHOOK.OFFICE.COM./webhookb2/1", RETIRED),
        (FLOW.replace("&", "&amp;"), "it has `&amp;` where `&` belongs"),
        (FLOW.replace("&sig=s3cret", ""), UNSIGNED),
        (
            "https://x.1.environment.api.powerplatform.com:443/powerautomate/automations/direct/1",
            UNSIGNED,
        ),
    ],
)
def test_what_is_no_address_of_a_flow_is_refused_with_what_to_do(url, words):
    with pytest.raises(InvalidError) as refused:
        FORMATS["teams"].check_url(url)

    assert refused.value.field == "client_url"
    assert refused.value.sentence == words
    assert "s3cret" not in refused.value.message


@pytest.mark.parametrize("url", [FLOW, "http://127.0.0.1:8000/flow", "https://relay.example.com/x"])
def test_other_addresses_of_teams_pass(url):
    FORMATS["teams"].check_url(url)


def test_a_flow_that_is_gone_or_asks_who_calls_is_its_owners_to_mend():
    gone = Sender("teams", Teams(is_deleted=True).answer, FLOW).tell(stories.failed())
    asking = Sender("teams", Teams().answer, "https://relay.example.com/x").tell(stories.failed())

    assert (gone.meaning, asking.meaning) == (Meaning.FINAL, Meaning.FINAL)
    assert gone.words == "WorkflowNotFound; The workflow could not be found."
    assert "DirectApiAuthorizationRequired" in asking.words


def test_discord_gets_exactly_this():
    discord = Discord()
    sender = Sender("discord", discord.answer, f"{CHANNEL}?thread_id=7")

    assert sender.draft(stories.failed()).url == f"{CHANNEL}?thread_id=7&wait=true"
    assert sender.tell(stories.failed()).meaning is Meaning.TAKEN
    (message,) = discord.posted
    assert message["allowed_mentions"] == {"parse": []}
    assert message["embeds"][0] == {
        "title": "✗ nightly failed in prod",
        "url": RUN,
        "description": "```\n2 of 46 nodes failed\n```\n"
        "• `orders` `Database Error in model orders (models/orders.sql): no such column: amount`\n"
        "• `not_null_customers_id` `Got 3 results, configured to fail if != 0`\n"
        f"[Open what started it]({BUILD})",
        "color": 0xE01E5A,
        "fields": [
            {"name": "Project", "value": "`shop`", "inline": True},
            {"name": "Duration", "value": "`4 min 12 s`", "inline": True},
            {"name": "Trigger", "value": "`scheduled`", "inline": True},
            {
                "name": "Nodes",
                "value": "`41 success, 1 error, 1 fail, 3 skipped`",
                "inline": True,
            },
            {"name": "Started by", "value": "`github_actions`", "inline": True},
            {"name": "dbt", "value": "`1.11.16`", "inline": True},
        ],
        "timestamp": "2026-03-01T04:04:14Z",
    }


def test_discord_is_waited_for_whatever_the_url_says():
    sender = Sender("discord", Discord().answer, f"{CHANNEL}?wait=false")

    assert sender.draft(stories.failed()).url == f"{CHANNEL}?wait=true"


def test_a_webhook_that_discord_has_deleted_is_gone():
    reading = Sender("discord", Discord(is_deleted=True).answer, CHANNEL).tell(stories.failed())

    assert reading.meaning is Meaning.GONE
    assert reading.words == "Unknown Webhook"


def test_discord_is_left_alone_for_as_long_as_it_says():
    reading = Sender("discord", Discord(is_busy=True).answer, CHANNEL).tell(stories.failed())

    assert reading.meaning is Meaning.RETRY
    assert reading.retry_after == timedelta(seconds=0.4)


@pytest.mark.parametrize("pause", [b"-1", b"NaN", b"1e999", b'"1"', b"true", b"null", b"[]"])
def test_a_pause_that_is_none_counts_as_none(pause):
    answer = Answer(status=429, body=b'{"retry_after": ' + pause + b"}")

    assert FORMATS["discord"].read(answer).retry_after is None


@pytest.mark.parametrize("suffix", ["/slack", "/github", "/slack/", "/slack?wait=true"])
@pytest.mark.parametrize("host", ["discord.com", "discordapp.com", "ptb.discord.com"])
def test_discords_addresses_for_other_forms_are_refused(suffix, host):
    url = f"https://{host}/api/webhooks/1/token"
    FORMATS["discord"].check_url(url)
    with pytest.raises(InvalidError) as refused:
        FORMATS["discord"].check_url(url + suffix)

    assert refused.value.field == "client_url"
    assert refused.value.sentence == (
        "this address takes another service's form; leave off what stands behind the webhook's "
        "token"
    )


def test_another_service_that_takes_discords_form_may_be_anywhere():
    FORMATS["discord"].check_url("https://chat.example.com/discord/slack")


@pytest.mark.parametrize(
    ("status", "body", "words", "pause"),
    [
        (400, b'{"message": "Invalid", "errors": {"embeds": ["0"]}}', "Invalid; 0", None),
        (429, b'{"message": "slow", "retry_after": 3}', "slow", timedelta(seconds=3)),
        (500, b'{"message": "down", "retry_after": 3}', "down", None),
        (200, b'{"message": "fine"}', "", None),
    ],
)
def test_discord_says_what_is_wrong_and_how_long_it_wants_to_be_left_alone(
    status, body, words, pause
):
    reading = FORMATS["discord"].read(Answer(status=status, body=body))

    assert (reading.words, reading.retry_after) == (words, pause)


def test_a_discord_message_has_only_links_that_have_room():
    run = replace(stories.failed().run, trigger=Trigger(link="https://x.org/" + "x" * 586))
    longer = replace(run, trigger=Trigger(link="https://x.org/" + "x" * 587))

    def description(run: Run) -> str:
        body = json.loads(Sender("discord", Discord().answer, CHANNEL).draft(of(run)).body)
        text: str = body["embeds"][0]["description"]
        return text

    def of(run: Run) -> Event:
        return replace(stories.failed(), run=run)

    assert description(run).endswith(f"[Open what started it](https://x.org/{'x' * 586})")
    assert "Open what started it" not in description(longer)


def test_a_discord_message_has_no_link_where_the_service_has_no_address():
    telling = replace(stories.telling(), public_url=None)
    sender = Sender("discord", Discord().answer, CHANNEL)

    body = json.loads(sender.draft(stories.missed(), telling).body)

    assert "url" not in body["embeds"][0]
    assert body["embeds"][0]["title"] == "✗ nightly did not start in prod"


def test_markup_in_a_headline_is_none_in_discord():
    event = stories.failed(job=replace(stories.NIGHTLY, name="*all* @here"))

    body = json.loads(Sender("discord", Discord().answer, CHANNEL).draft(event).body)

    assert body["embeds"][0]["title"] == "✗ \\*all\\* \\@here failed in prod"


def test_google_chat_has_one_thread_for_each_run():
    chat = GoogleChat()
    sender = Sender("google_chat", chat.answer, SPACE)

    sender.tell(stories.started())
    sender.tell(stories.failed())
    sender.tell(stories.started(run_id=813))
    sender.tell(stories.succeeded(run_id=813))

    assert [len(thread) for thread in chat.threads] == [2, 2]
    assert sender.draft(stories.failed()).url == (
        f"{SPACE}&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
    )


def test_google_chat_gets_exactly_this():
    chat = GoogleChat()
    Sender("google_chat", chat.answer, SPACE).tell(stories.failed())
    ((message,),) = chat.threads

    assert message["thread"] == {"threadKey": "run-812"}
    card = message["cardsV2"][0]["card"]
    assert card["header"] == {"title": "✗ nightly failed in prod", "subtitle": "Failed"}
    assert card["sections"][0]["widgets"][0] == {"textParagraph": {"text": "2 of 46 nodes failed"}}
    assert card["sections"][1] == {
        "header": "Failed nodes",
        "widgets": [
            {
                "decoratedText": {
                    "topLabel": "orders",
                    "text": "Database Error in model orders (models/orders.sql): "
                    "no such column: amount",
                    "wrapText": True,
                }
            },
            {
                "decoratedText": {
                    "topLabel": "not_null_customers_id",
                    "text": "Got 3 results, configured to fail if != 0",
                    "wrapText": True,
                }
            },
        ],
    }
    buttons = card["sections"][2]["widgets"][0]["buttonList"]["buttons"]
    assert [one["onClick"]["openLink"]["url"] for one in buttons] == [RUN, BUILD]


def test_google_chat_shows_a_dash_for_a_node_that_says_nothing():
    event = stories.failed()
    results = {"failed": [{"unique_id": "model.shop.orders"}], "failed_total": 1}
    event = stories.with_run(event, replace(event.run, results=results))

    card = json.loads(Sender("google_chat", GoogleChat().answer, SPACE).draft(event).body)

    (widget,) = card["cardsV2"][0]["card"]["sections"][1]["widgets"]
    assert widget["decoratedText"]["text"] == "\N{EN DASH}"


@pytest.mark.parametrize("query", ["", "?key=k", "?token=t", "?key=k#&token=t", "?keys=k&token=t"])
def test_a_link_of_google_chat_without_its_credentials_is_refused(query):
    FORMATS["google_chat"].check_url(SPACE)
    with pytest.raises(InvalidError) as refused:
        FORMATS["google_chat"].check_url(f"https://chat.googleapis.com/v1/spaces/A/messages{query}")

    assert refused.value.field == "client_url"
    assert refused.value.sentence == (
        "a webhook's link has `key=` and `token=` in it; copy all of it"
    )


@pytest.mark.parametrize(("length", "is_there"), [(1_000, True), (1_001, False)])
def test_a_link_that_has_no_room_in_teams_is_left_out(length, is_there):
    draft = Sender("teams", Teams().answer, FLOW).draft(
        stories.failed(), stories.with_run_link(length)
    )

    assert (b"Open the run" in draft.body) is is_there


@pytest.mark.parametrize(
    ("name", "status", "body", "meaning"),
    [
        ("teams", 202, b"", Meaning.TAKEN),
        ("teams", 400, b'{"error":{"code":"InvalidRequestContent"}}', Meaning.REFUSED),
        ("teams", 401, b"", Meaning.FINAL),
        ("teams", 403, b"", Meaning.FINAL),
        ("teams", 404, b"", Meaning.FINAL),
        ("teams", 413, b"", Meaning.REFUSED),
        ("teams", 429, b"", Meaning.RETRY),
        ("teams", 502, b"", Meaning.RETRY),
        ("discord", 200, b"{}", Meaning.TAKEN),
        ("discord", 204, b"", Meaning.TAKEN),
        ("discord", 400, b'{"message":"Invalid Form Body","code":50035}', Meaning.REFUSED),
        ("discord", 401, b"", Meaning.FINAL),
        ("discord", 403, b"", Meaning.FINAL),
        ("discord", 404, b"", Meaning.GONE),
        ("discord", 429, b"", Meaning.RETRY),
        ("discord", 500, b"", Meaning.RETRY),
        ("google_chat", 200, b"{}", Meaning.TAKEN),
        ("google_chat", 400, b'{"error":{"message":"too long"}}', Meaning.REFUSED),
        ("google_chat", 401, b"", Meaning.FINAL),
        ("google_chat", 403, b"", Meaning.FINAL),
        ("google_chat", 404, b"", Meaning.FINAL),
        ("google_chat", 429, b"", Meaning.RETRY),
        ("google_chat", 503, b"", Meaning.RETRY),
    ],
)
def test_answers_are_read_by_the_services_own_rules(name, status, body, meaning):
    assert FORMATS[name].read(Answer(status=status, body=body)).meaning is meaning
