"""Events whose names and messages are anybody's: as long as can be, and written to do harm."""

from hypothesis import strategies as st

from runhook.domain.messages.notices import Notice
from runhook.domain.messages.telling import DeliveryId, PayloadVersion, Telling, WebhookId
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import (
    OUTCOMES_OF_STATUS,
    Run,
    RunId,
    RunOutcome,
    RunStatus,
    RunStep,
    Trigger,
)
from tests.support.builders import (
    STATUS_OF_EVENT,
    a_deactivation,
    a_job,
    a_missed_run,
    a_run,
    an_event,
)

ATTACKS = [
    "<!channel> <!here> <!everyone>",
    "<@U024BE7LH> <#C024BE7LR> <!subteam^S1>",
    "<https://evil.example/|https://good.example/>",
    "@everyone @here <@&1234> <@1234> <#1234>",
    "](http://evil.example) [click](http://evil.example)",
    "<users/all> *bold* _it_ ~strike~ `code`",
    "@channel @all ~town-square #general",
    "[click](http://evil.example) ![x](https://evil.example/x.png) www.evil.example",
    "@octocat @group/team fixes #1 !2 GH-3 octo/repo#4",
    "<at>ann@example.com</at>",
    "x\r\nBcc: eve@example.com",
    "=?utf-8?q?Bcc:_eve=40example.com?=",
    "```\nend of the fence\n```",
    "`" * 50,
    "&lt;!channel&gt; &amp; &quot;",
    "{{ run.job_name }} ${secret} {0} %s",
    '"},"routing_key":"stolen","x":{"y":"',
    "\u202etxt.exe\u202c \u2066isolate\u2069 \u200fright to left",
    "مرحبا بالعالم " * 20,
    "👩‍👩‍👧‍👦" * 200,
    "e\u0301" * 500,
    "\x00\x01\x1b[31mred\x1b[0m\x07",
    "\ud800 lone surrogate",
    "\r\n\r\nHTTP/1.1 200 OK",
    "a" * 100_000,
    "&" * 100_000,
    "<" * 5_000,
    "\\" * 5_000,
    "\n" * 5_000,
    "<b>bold</b><script>alert(1)</script>",
    "-- | # > 1. \\* **x** __y__ ||spoiler||",
    "",
    "   ",
]
texts = st.sampled_from(ATTACKS) | st.text(max_size=200) | st.text(alphabet="<>&`*_~|[]()\\@#\n")
some = st.lists(texts, max_size=25)
owners = st.fixed_dictionaries({}, optional={"name": texts, "email": texts, "group": texts})
nodes = st.fixed_dictionaries(
    {
        "unique_id": texts | texts.map(lambda name: f"model.shop.{name}"),
        "resource_type": texts,
        "status": texts | st.just("error"),
        "message": texts,
    },
    optional={
        "groups": some,
        "owners": st.lists(owners, max_size=8),
        "tags": some,
        "path": texts,
        "package": texts,
        "exposures": st.lists(st.fixed_dictionaries({"name": texts}), max_size=12),
    },
)
results = st.none() | st.fixed_dictionaries(
    {
        "counts": st.dictionaries(texts, st.integers(0, 10**9), max_size=8),
        "failed_total": st.integers(0, 10_000),
        "failed": st.lists(nodes, max_size=12),
        "warned": st.lists(nodes, max_size=12),
    }
)
links = st.just("https://ci.example.com/runs/1") | texts.map(
    lambda end: f"https://ci.example/{end}"
)
triggers = st.builds(
    Trigger,
    system=texts,
    external_id=texts,
    attempt=st.none() | st.integers(1, 99),
    category=texts,
    pull_request=st.none() | st.integers(1, 10**6),
    link=links,
    commit=texts | st.just("0123456789abcdef0123456789abcdef01234567"),
)
steps = st.lists(
    st.builds(RunStep, name=texts, status=st.just(RunStatus.ERROR), logs=texts), max_size=3
)
jobs = st.builds(a_job, name=texts, project_name=texts, environment_name=texts)


@st.composite
def events_of_runs(draw: st.DrawFn) -> Event:
    type_ = draw(st.sampled_from(sorted(STATUS_OF_EVENT)))
    status = STATUS_OF_EVENT[type_]
    outcome = draw(st.sampled_from(OUTCOMES_OF_STATUS.get(status, (None,))))
    run = a_run(
        id=RunId(draw(st.integers(1, 2**63 - 1))),
        job=draw(jobs),
        status=status,
        outcome=outcome,
        run_reason=draw(texts),
        dbt_version=draw(texts),
        run_key=draw(texts),
        steps=tuple(draw(steps)),
        status_message=draw(st.none() | texts),
        results=draw(results),
        trigger=draw(st.none() | triggers),
    )
    return an_event(type=type_, run=run)


notices = st.builds(a_missed_run, job=jobs) | st.builds(
    a_deactivation, webhook_name=texts, reason=texts
)
events: st.SearchStrategy[Event | Notice] = events_of_runs() | notices
tellings = st.builds(
    Telling,
    delivery_id=st.just(DeliveryId("wev_2PK5yEfjdZ7MJ78tUwedcI8TVWt")),
    webhook_id=st.just(WebhookId("wsu_2PK4VE772408oHuYxq9BYDN6ONi")),
    webhook_name=texts,
    payload_version=st.sampled_from(PayloadVersion),
    include_results=st.booleans(),
    host=st.sampled_from(["hooks.slack.com", "chat.example.com", "127.0.0.1"]),
    public_url=st.sampled_from([None, "https://runhook.example.com"]),
    has_recovered=st.booleans(),
)
EVERY_TYPE = tuple(EventType)


def attacked_run(attack: str) -> Run:
    """A run that failed, all of whose texts are an attack."""
    node = {
        "unique_id": attack,
        "resource_type": attack,
        "status": attack,
        "message": attack,
        "groups": [attack] * 10,
        "owners": [{"name": attack, "email": attack, "group": attack}] * 10,
        "tags": [attack] * 30,
        "path": attack,
        "package": attack,
        "exposures": [{"name": f"{number} {attack}"} for number in range(20)],
    }
    return a_run(
        job=a_job(name=attack, project_name=attack, environment_name=attack),
        status=RunStatus.ERROR,
        outcome=RunOutcome.FAILED,
        run_reason=attack,
        dbt_version=attack,
        run_key=attack,
        steps=(RunStep(name=attack, status=RunStatus.ERROR, logs=attack),),
        status_message=attack,
        results={"counts": {attack: 1}, "failed_total": 5_000, "failed": [node] * 20},
        trigger=Trigger(
            system=attack,
            external_id=attack,
            category=attack,
            link=f"https://ci.example/{attack}",
            commit=attack,
        ),
    )


def attacked_telling(attack: str, host: str) -> Telling:
    """A telling whose texts are an attack."""
    return Telling(
        delivery_id=DeliveryId("wev_2PK5yEfjdZ7MJ78tUwedcI8TVWt"),
        webhook_id=WebhookId("wsu_2PK4VE772408oHuYxq9BYDN6ONi"),
        webhook_name=attack,
        include_results=True,
        host=host,
        public_url="https://runhook.example.com",
    )
