"""A message mentions whom the webhook's owner chose for those whose nodes failed, and no others."""

import json
from dataclasses import replace
from typing import Any

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.messages.mentions import MOST_MENTIONED, Mentions
from runhook.domain.runs.events import Event
from runhook.domain.webhooks.options import NO_OPTIONS, changed_options
from runhook.domain.webhooks.webhook import check_mention
from tests.formats import stories
from tests.support.builders import a_webhook

ANN, TEAM = (
    {
        "slack": ("U012AB3CD", "S0614TZR7"),
        "discord": ("80351110224678912", "&165511591545143296"),
        "teams": ("ann@example.com", "87d349ed-44d7-43e1-9a83-5f2406dee5bd"),
    },
    "data team",
)
URLS = {
    "slack": "https://hooks.slack.com/services/T0/B0/x",
    "discord": "https://discord.com/api/webhooks/1/token",
    "teams": "https://prod-1.westeurope.logic.azure.com/workflows/1/x?api=1&sig=s3cret",
}
PEOPLE = pytest.mark.parametrize("name", list(ANN))


def failed_nodes_of(owners: list[object], **more: object) -> Event:
    event = stories.failed()
    node = {"unique_id": "model.shop.orders", "status": "error", "owners": owners, **more}
    results = {"counts": {"error": 1}, "failed_total": 1, "failed": [node]}
    return replace(event, run=replace(event.run, results=results))


def told(name: str, event: Any, mention: dict[str, str]) -> Any:
    host = URLS[name].split("/")[2]
    telling = replace(stories.telling(), host=host, mention=mention)
    rendered = FORMATS[name].render(event, telling, FORMATS[name].settings())
    return json.loads(rendered.body)


def mentions_in(name: str, body: Any) -> object:
    if name == "slack":
        return [one["text"]["text"] for one in body["blocks"][1:]]
    if name == "discord":
        return body.get("content"), body["allowed_mentions"]
    card = body["attachments"][0]["content"]
    texts = [one["text"] for one in card["body"] if one["type"] == "TextBlock"]
    return texts, [one["mentioned"]["id"] for one in card["msteams"].get("entities", [])]


@PEOPLE
def test_those_whose_nodes_failed_are_mentioned(name: str):
    person, team = ANN[name]
    mention = {"ANN@example.com": person, TEAM: team, "Bob": person}
    event = failed_nodes_of([{"email": "ann@example.com"}], groups=[TEAM])

    assert (
        mentions_in(name, told(name, event, mention))
        == {
            "slack": ["<@U012AB3CD> <!subteam^S0614TZR7>"],
            "discord": (
                "<@80351110224678912> <@&165511591545143296>",
                {"parse": [], "users": [person], "roles": [team[1:]]},
            ),
            "teams": ([f"<at>{person}</at> <at>{team}</at>"], [person, team]),
        }[name]
    )


@PEOPLE
@pytest.mark.parametrize(
    "event",
    [
        failed_nodes_of([{"name": "<!channel> @everyone <@U012AB3CD>"}], groups=["<at>all</at>"]),
        failed_nodes_of([]),
        stories.succeeded(),
        stories.started(),
    ],
    ids=["a name that looks like a mention", "nobody's", "recovered", "started"],
)
def test_nobody_else_is_mentioned(name: str, event: Any):
    nobody = {"slack": [], "discord": (None, {"parse": []}), "teams": ([], [])}

    body = told(name, event, {"Ann": ANN[name][0]})

    assert mentions_in(name, body) == nobody[name]


@PEOPLE
def test_of_very_many_some_are_mentioned(name: str):
    ids = {
        "slack": [f"U012AB{n:02}" for n in range(30)],
        "discord": [f"803511102246789{n:02}" for n in range(30)],
        "teams": [f"a{n:02}@example.com" for n in range(30)],
    }[name]
    event = failed_nodes_of([])
    nodes = [
        {"unique_id": f"model.shop.m{n}", "status": "error", "owners": [{"name": f"n{n}"}]}
        for n in range(30)
    ]
    results = {"failed_total": 30, "failed": nodes[:10], "others": nodes[10:]}
    event = replace(event, run=replace(event.run, results=results))

    body = json.dumps(told(name, event, {f"n{n}": one for n, one in enumerate(ids)}))

    assert sum(one in body for one in ids) == MOST_MENTIONED


@pytest.mark.parametrize(
    ("name", "id_", "message"),
    [
        ("slack", "<!channel>", "mention: what `Ann` has is not the id of a user"),
        ("slack", "here", "mention: what `Ann` has is not the id of a user"),
        ("slack", "U012AB3CD> <!channel", "mention: what `Ann` has is not"),
        ("discord", "@everyone", "mention: what `Ann` has is not the id of a user"),
        ("teams", "ann</at>@example.com", "mention: what `Ann` has is not a user principal name"),
        ("dbt_cloud", "U012AB3CD", "mention: messages of the format `dbt_cloud` mention no one"),
        ("google_chat", "users/1", "mention: messages of the format `google_chat` mention no one"),
    ],
)
def test_what_is_no_id_of_the_service_is_refused(name: str, id_: str, message: str):
    options = changed_options(NO_OPTIONS, {"format": name, "mention": {"Ann": id_}})

    with pytest.raises(InvalidError) as caught:
        check_mention(replace(a_webhook(), options=options))

    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("typed", "mention"),
    [
        ("Ann: U1\n\n finance team :S2 ", {"Ann": "U1", "finance team": "S2"}),
        ("a: b: U1", {"a: b": "U1"}),
        ("", {}),
    ],
)
def test_the_form_has_a_name_and_an_id_a_line(typed: str, mention: dict[str, str]):
    assert Mentions().understand(typed) == mention
    assert Mentions().understand(Mentions().show(mention)) == mention
    assert Mentions().write(Mentions().read(mention)) == mention


def test_a_line_without_a_colon_is_refused():
    with pytest.raises(InvalidError) as refused:
        Mentions().understand("Ann: U1\n  Bob " + "x" * 50)

    assert refused.value.message == f"`Bob {'x' * 36}` is not of the form `Name: id`"


def test_a_hundred_names_have_ids_of_a_hundred_characters():
    most = {f"n{number}": "x" * 100 for number in range(100)}

    assert Mentions().read(most) == most
    with pytest.raises(InvalidError) as refused:
        Mentions().read({**most, "n": "x"})
    assert refused.value.message == "101 are too many; 100 at most"


@pytest.mark.parametrize("id_", ["", "  ", "x" * 101, "U\x001", "U\n1"])
def test_an_id_is_one_short_line(id_: str):
    with pytest.raises(InvalidError) as refused:
        Mentions().read({"Ann": id_})

    assert refused.value.message == "what `Ann` has is not an id"
