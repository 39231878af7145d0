"""What a webhook can be narrowed to beside jobs, and its own retry schedule."""

import httpx
import pytest

from tests.support.api import Api, data_of, new_run, new_webhook, told

SCOPES = ["project_ids", "environment_ids", "job_ids"]
ID_OF = {"project_ids": "project_id", "environment_ids": "environment_id", "job_ids": "job_id"}


async def told_of(client: httpx.AsyncClient, webhook: dict[str, object]) -> list[str]:
    """The ids of the runs that a webhook was told of, in their order."""
    events = data_of(await client.get(f"/webhooks/subscription/{webhook['id']}/events"))
    return [event["run_id"] for event in reversed(events)]


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_webhook_is_told_of_what_it_is_narrowed_to(admin: httpx.AsyncClient, scope: str):
    mine = await new_run(admin, project_name="shop", environment_name="prod", job_name="a")
    chosen = [mine[ID_OF[scope]]]
    webhook = await new_webhook(admin, event_types=["job.run.started"], **{scope: chosen})

    again = await new_run(admin, project_name="shop", environment_name="prod", job_name="a")
    await new_run(admin, project_name="blog", environment_name="prod", job_name="a")

    assert webhook[scope] == [str(chosen[0])]
    assert await told_of(admin, webhook) == [str(again["id"])]


async def test_all_that_it_is_narrowed_to_must_match(admin: httpx.AsyncClient):
    prod = await new_run(admin, project_name="shop", environment_name="prod", job_name="a")
    stage = await new_run(admin, project_name="shop", environment_name="stage", job_name="b")
    webhook = await new_webhook(
        admin,
        event_types=["job.run.started"],
        project_ids=prod["project_id"],
        environment_ids=[str(prod["environment_id"])],
        job_ids=[prod["job_id"], stage["job_id"]],
    )

    again = await new_run(admin, project_name="shop", environment_name="prod", job_name="a")
    await new_run(admin, project_name="shop", environment_name="stage", job_name="b")
    await new_run(admin, project_name="shop", environment_name="prod", job_name="c")

    assert await told_of(admin, webhook) == [str(again["id"])]


@pytest.mark.parametrize("scope", SCOPES)
async def test_what_another_account_has_can_not_be_named(
    api: Api, admin: httpx.AsyncClient, scope: str
):
    theirs = await api.add_other_account()
    await new_run(admin)
    foreign = (await new_run(theirs))[ID_OF[scope]]
    webhook = await new_webhook(admin)

    answer = await admin.put(f"/webhooks/subscription/{webhook['id']}", json={scope: [foreign]})

    thing = scope.removesuffix("_ids")
    assert told(answer, 400) == f"{scope}: this account has no {thing} {foreign}"


NO_IDS = ["x", [1.5], [-1], [2**63], [[1]], {"id": 1}, list(range(1001))]


async def test_what_is_no_id_is_refused_by_its_key(
    admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    webhook = await new_webhook(admin)
    for value in NO_IDS:
        for scope in SCOPES:
            with subtests.test(value=str(value), scope=scope):
                answer = await admin.put(
                    f"/webhooks/subscription/{webhook['id']}", json={scope: value}
                )

                assert told(answer, 400).startswith(scope)


@pytest.mark.parametrize("schedule", [[], [10, 60.5, 3600], [0], [604_800] * 20, None])
async def test_a_retry_schedule_comes_back_as_it_was_given(
    admin: httpx.AsyncClient, schedule: list[float] | None
):
    webhook = await new_webhook(admin, retry_schedule=[1, 2, 3])

    changed = data_of(
        await admin.put(
            f"/webhooks/subscription/{webhook['id']}", json={"retry_schedule": schedule}
        )
    )
    renamed = data_of(
        await admin.put(f"/webhooks/subscription/{webhook['id']}", json={"name": "Other"})
    )

    assert changed["retry_schedule"] == schedule
    assert renamed["retry_schedule"] == schedule


OUT_OF_BOUNDS = [[-1], [604_801], [1] * 21, ["soon"], 10, "10", [None]]


async def test_a_retry_schedule_out_of_bounds_is_refused(
    admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    webhook = await new_webhook(admin)
    for schedule in OUT_OF_BOUNDS:
        with subtests.test(schedule=str(schedule)):
            answer = await admin.put(
                f"/webhooks/subscription/{webhook['id']}", json={"retry_schedule": schedule}
            )

            assert "retry_schedule" in told(answer, 400)


async def test_results_are_asked_for_by_a_switch_that_stays_as_it_is_set(admin: httpx.AsyncClient):
    plain = await new_webhook(admin)
    asking = await new_webhook(admin, include_results=True)

    path = f"/webhooks/subscription/{asking['id']}"
    renamed = data_of(await admin.put(path, json={"name": "Other"}))
    refused = await admin.put(path, json={"include_results": "yes"})

    assert [one["include_results"] for one in (plain, asking, renamed)] == [False, True, True]
    assert told(refused, 400).startswith("include_results: ")


async def test_a_filter_of_results_stays_as_it_is_set_and_null_is_none(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, result_filter=["warnings", "new_failures", "warnings"])
    path = f"/webhooks/subscription/{webhook['id']}"

    renamed = data_of(await admin.put(path, json={"name": "Other"}))
    emptied = data_of(await admin.put(path, json={"result_filter": None}))

    filters = [one["result_filter"] for one in (webhook, renamed, emptied)]
    assert filters == [["warnings", "new_failures"], ["warnings", "new_failures"], []]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"result_filter": ["news"]}, "`news` is unknown; choose from `new_failures`, `warnings`"),
        ({"result_filter": "warnings"}, "Expected `array"),
        (
            {"event_types": ["job.run.started"]},
            "select `job.run.completed` or `job.run.errored` too, or leave it empty",
        ),
    ],
)
async def test_a_filter_of_results_that_filters_nothing_is_refused(
    admin: httpx.AsyncClient, change: dict[str, object], message: str
):
    webhook = await new_webhook(admin, result_filter=["warnings"])

    answer = await admin.put(f"/webhooks/subscription/{webhook['id']}", json=change)

    assert told(answer, 400).startswith(f"result_filter: {message}")


async def test_a_filter_of_nodes_stays_as_it_is_set_and_null_is_none(admin: httpx.AsyncClient):
    webhook = await new_webhook(
        admin, node_filter={"owners": ["Ann", " Ann "], "paths": ["models/finance"]}
    )
    path = f"/webhooks/subscription/{webhook['id']}"

    renamed = data_of(await admin.put(path, json={"name": "Other"}))
    emptied = data_of(await admin.put(path, json={"node_filter": None}))

    kept = {
        "groups": [],
        "owners": ["Ann"],
        "tags": [],
        "paths": ["models/finance"],
        "packages": [],
        "catch_all": False,
    }
    assert [one["node_filter"] for one in (webhook, renamed, emptied)] == [kept, kept, None]


WITHOUT_MEANING = [
    ({}, "node_filter: give `groups`, `owners`, `tags`, `paths` or `packages`"),
    ({"catch_all": True}, "node_filter: give `groups`, "),
    ({"group": ["sales"]}, "node_filter: unknown key `group`; did you mean `groups`?"),
    ({"owners": "Ann"}, "node_filter.owners: Expected `array"),
    ({"owners": [" "]}, "node_filter.owners: each is one line"),
    ({"tags": ["a\x00"]}, "node_filter.tags: each is one line"),
    ({"paths": ["x" * 201]}, "node_filter.paths: 201 characters are too long; 200 at most"),
    ({"groups": [f"g{n}" for n in range(101)]}, "node_filter.groups: 101 are too many"),
]


async def test_a_filter_of_nodes_that_means_nothing_is_refused(
    admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    webhook = await new_webhook(admin)

    path = f"/webhooks/subscription/{webhook['id']}"
    for node_filter, message in WITHOUT_MEANING:
        with subtests.test(node_filter=str(node_filter)):
            answer = await admin.put(path, json={"node_filter": node_filter})

            assert told(answer, 400).startswith(message)


async def test_whom_messages_mention_is_kept_and_checked(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, format="slack", mention={"Ann": "U012AB3CD"})
    path = f"/webhooks/subscription/{webhook['id']}"

    refused = await admin.put(path, json={"mention": {"Ann": "<!channel>"}})
    emptied = data_of(await admin.put(path, json={"mention": None}))

    assert webhook["mention"] == {"Ann": "U012AB3CD"}
    assert told(refused, 400).startswith("mention: what `Ann` has is not the id of a user")
    assert emptied["mention"] == {}


@pytest.mark.parametrize(
    "option", [{"include_results": True}, {"node_filter": {"groups": ["sales"]}}]
)
async def test_what_asks_for_results_needs_an_event_that_has_some(
    admin: httpx.AsyncClient, option: dict[str, object]
):
    webhook = await new_webhook(admin, **option)

    path = f"/webhooks/subscription/{webhook['id']}"
    answer = await admin.put(path, json={"event_types": ["job.run.canceled"]})

    (name,) = option
    assert told(answer, 400).startswith(f"{name}: select `job.run.completed` or `job.run.errored`")


async def test_the_audit_log_tells_of_scopes_and_schedules(admin: httpx.AsyncClient):
    run = await new_run(admin)
    webhook = await new_webhook(admin)
    await admin.put(
        f"/webhooks/subscription/{webhook['id']}",
        json={"project_ids": [run["project_id"]], "retry_schedule": [5]},
    )

    changed = data_of(await admin.get("/audit-log", params={"subject": webhook["id"]}))[0]

    assert changed["before"] == {"project_ids": [], "retry_schedule": None}
    assert changed["after"] == {"project_ids": [run["project_id"]], "retry_schedule": [5]}
