"""The calls of dbt Cloud's Admin API, who makes them, and what Runhook makes of each.

The calls are those that dbt Labs' published descriptions of v2 and v3 have, and those that clients
make beside them. Whether one is answered is not written here: the application's routes say it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from litestar import Litestar
from litestar.routes import HTTPRoute

from runhook.server.api import not_offered
from tests.api.routes import an_app
from tests.docs.documents import REPOSITORY

A = "/api/v2/accounts/{account_id}"
B = "/api/v3/accounts/{account_id}"
W = f"{B}/webhooks"
P = f"{B}/projects/{{project_id}}"
PLACE = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Call:
    """A call, the clients that make it, and how our answer differs."""

    methods: str
    path: str
    clients: str = ""
    differs: str = ""


CALLS = [
    Call("GET", "/", "Airflow's connection test", "what the token may see"),
    Call("GET", "/api/v2/accounts/", "Airflow, dbtc, tap-dbt"),
    Call("GET", f"{A}/", "Airflow, dbt-cloud-cli, dbtc"),
    Call("GET", f"{A}/users/", "tap-dbt", "members; their role is beside dbt Cloud's keys"),
    Call("POST", f"{A}/permissions/{{license_id}}/", "dbtc"),
    Call("GET", f"{A}/projects/", "dbt-cloud-cli, tap-dbt"),
    Call("GET", f"{A}/projects/{{project_id}}/", "Dagster, dbt-cloud-cli"),
    Call("GET", f"{A}/jobs/", "all", "jobs that runs were reported of"),
    Call("POST", f"{A}/jobs/", "Dagster, Prefect, dbt-cloud-cli, dbt-jobs-as-code, dbtc"),
    Call("GET", f"{A}/jobs/{{job_id}}/", "all", "`execute_steps` are those of the last run"),
    Call("POST", f"{A}/jobs/{{job_id}}/", "dbt-jobs-as-code, dbtc"),
    Call(
        "DELETE",
        f"{A}/jobs/{{job_id}}/",
        "Dagster, Prefect, dbt-cloud-cli, dbt-jobs-as-code, dbtc",
        "409 as long as something refers to it",
    ),
    Call("POST", f"{A}/jobs/{{job_id}}/run/", "Airflow, Dagster, Prefect, dbt-cloud-cli, dbtc"),
    Call("POST", f"{A}/jobs/{{job_id}}/rerun/", "Airflow, dbtc"),
    Call("GET", f"{A}/jobs/{{job_id}}/artifacts/{{path}}", "Prefect"),
    Call("GET", f"{A}/runs/", "all"),
    Call("GET", f"{A}/runs/{{run_id}}/", "all, and receivers of webhooks"),
    Call("POST", f"{A}/runs/{{run_id}}/retry/"),
    Call(
        "POST",
        f"{A}/runs/{{run_id}}/cancel/",
        "Airflow, Dagster, dbt-cloud-cli, dbtc",
        "if the run is cancelable",
    ),
    Call("GET", f"{A}/runs/{{run_id}}/artifacts/", "all"),
    Call("GET", f"{A}/runs/{{run_id}}/artifacts/{{path}}", "all"),
    Call("GET", f"{A}/steps/{{step_id}}/"),
    Call("GET", f"{A}/environments/", "Dagster"),
    Call("GET", f"{A}/connections/", "tap-dbt", "empty"),
    Call("GET", f"{A}/repositories/", "tap-dbt", "empty"),
    Call("GET", "/api/v2/whoami/", "", "a token is not a user"),
    Call("GET", "/api/v3/accounts/", "dbtc"),
    Call("POST", f"{B}/assign-groups/", "dbtc"),
    Call(
        "GET",
        f"{B}/audit-logs/",
        "dbt-cloud-cli, dbtc, tap-dbt",
        "the changes that Runhook knows, with `event_context` as what differs",
    ),
    Call("GET", f"{B}/audit-logs/download/"),
    Call("GET, POST", f"{B}/audit-logs/export/"),
    Call("GET", f"{B}/connections/", "dbt-cloud-cli", "empty"),
    Call("POST", f"{B}/connections/", "dbt-cloud-cli"),
    Call("GET, PATCH, DELETE", f"{B}/connections/{{id}}/", "dbt-cloud-cli"),
    Call("GET", f"{B}/environments/", "dbt-cloud-cli, dbt-jobs-as-code, dbtc"),
    Call("POST", f"{B}/group-permissions/{{group_id}}/", "dbtc"),
    Call("GET", f"{B}/groups/", "dbtc, tap-dbt", "empty: members have roles"),
    Call("POST", f"{B}/groups/", "dbtc"),
    Call("GET, POST", f"{B}/groups/{{id}}/", "dbtc"),
    Call("POST", f"{B}/invites/", "dbtc"),
    Call("GET, POST", f"{B}/ip-restrictions/"),
    Call("GET, POST", f"{B}/license-maps/", "dbtc"),
    Call("GET, POST", f"{B}/notifications/", "dbtc"),
    Call("GET, POST", f"{B}/oauth-configurations/"),
    Call("GET", f"{B}/private-link-endpoints/", "dbtc"),
    Call("GET", f"{B}/projects/", "Airflow, Terraform, dbtc"),
    Call("POST", f"{B}/projects/", "dbtc"),
    Call("GET", f"{P}/", "Airflow, dbt-cloud-cli, dbtc"),
    Call("POST", f"{P}/", "dbtc"),
    Call("DELETE", f"{P}/", "dbtc", "409 as long as something refers to it"),
    Call("GET, POST, DELETE", f"{P}/adapters/{{id}}/", "dbtc"),
    Call("GET", f"{P}/connections/", "dbtc", "empty"),
    Call("POST", f"{P}/connections/", "dbtc"),
    Call("GET, POST", f"{P}/credentials/", "dbtc"),
    Call("GET", f"{P}/environment-variables/job/", "Dagster, dbt-jobs-as-code", "an empty object"),
    Call("POST", f"{P}/environment-variables/", "dbt-jobs-as-code, dbtc"),
    Call("POST, PUT, DELETE", f"{P}/environment-variables/bulk/", "dbtc"),
    Call("GET", f"{P}/environments/", "Airflow, dbtc"),
    Call("POST", f"{P}/environments/", "dbtc"),
    Call("GET", f"{P}/environments/{{id}}/", "Airflow, Terraform, dbtc"),
    Call("POST", f"{P}/environments/{{id}}/", "dbtc"),
    Call("GET, PATCH, DELETE", f"{P}/extended-attributes/{{id}}/", "dbtc"),
    Call("GET, POST", f"{P}/integrations/lineage/"),
    Call("POST", f"{P}/managed-repositories/", "dbtc"),
    Call("GET", f"{P}/repositories/", "dbtc", "empty"),
    Call("POST", f"{P}/repositories/", "dbtc"),
    Call("GET, POST, DELETE", f"{P}/repositories/{{id}}/", "dbtc"),
    Call("GET, POST", f"{B}/scim/v2/Users"),
    Call("GET", f"{B}/semantic-layer-credentials/", "dbtc"),
    Call("GET, POST", f"{B}/service-tokens/", "dbtc"),
    Call("GET", f"{B}/users/", "dbtc", "members; their role is beside dbt Cloud's keys"),
    Call("GET", f"{B}/users/{{id}}/", "dbtc", "as above"),
    Call("GET, POST", f"{B}/users/{{user_id}}/account-apikeys/"),
    Call("GET", f"{W}/event/{{event_id}}"),
    Call("GET", f"{W}/event/{{event_id}}/receipts"),
    Call("GET", f"{W}/receipt/{{receipt_id}}"),
    Call("GET, PUT, DELETE", f"{W}/subscription/{{subscription_id}}", "Terraform, dbtc"),
    Call("GET", f"{W}/subscription/{{subscription_id}}/events"),
    Call("GET", f"{W}/subscription/{{subscription_id}}/test", "dbtc"),
    Call("GET, POST", f"{W}/subscriptions", "Terraform, dbtc"),
    Call("GET", "/api/v3/whoami/", "", "a token is not a user"),
    Call("GET", "/api/v3/adapter-schema/"),
    Call("GET, POST", "/api/v3/users/{user_id}/credentials/"),
    Call("POST", "/graphql", "Prefect, dbt-cloud-cli, dbtc"),
    Call("POST", "/api/graphql", "dbtc"),
]


@dataclass(frozen=True)
class Client:
    """A published client, and what of it tests/clients tries."""

    package: str
    pins: str
    """The file in requirements/ that says which version is tried."""
    tried: str


CLIENTS = [
    Client("dbtc", "clients", "lists, runs with steps, files, webhooks, users"),
    Client("dbt-cloud-cli", "clients", "its commands for jobs, runs and files"),
    Client("dbt-jobs-as-code", "clients", "`import-jobs`, `sync`"),
    Client("tap-dbt", "clients", "every stream that is on by default"),
    Client(
        "apache-airflow-providers-dbt-cloud", "airflow", "connection test, hook, sensor, operators"
    ),
    Client("dagster-dbt", "dagster", "the client of `DbtCloudWorkspace`"),
    Client("prefect-dbt", "prefect", "client and tasks for jobs and runs"),
    Client("dbt-mcp", "mcp", "the tools for the Admin API"),
]


def clients_table() -> str:
    """Write the table of clients of `docs/compatibility.md`."""
    lines = ["| Client | Version | Tried |", "| --- | --- | --- |"]
    lines += [f"| {one.package} | {pinned(one)} | {one.tried} |" for one in CLIENTS]
    return "\n".join(lines) + "\n"


def pinned(client: Client) -> str:
    """The version that the client's environment has."""
    pins = (REPOSITORY / "requirements" / f"{client.pins}.txt").read_text()
    found = re.search(rf"^{re.escape(client.package)}==(\S+)", pins, re.MULTILINE)
    assert found is not None, f"requirements/{client.pins}.txt has no {client.package}"
    return found[1]


def compatibility_table() -> str:
    """Write the table of `docs/compatibility.md`."""
    routes = dict(answers(an_app()))
    lines = ["| Call | Who makes it | Here | Differs |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {call.methods} `{call.path}` | {call.clients} | {here(call, routes)} | {call.differs} |"
        for call in CALLS
    ]
    return "\n".join(lines) + "\n"


def here(call: Call, routes: dict[tuple[str, str], str]) -> str:
    """Say whether a call is answered."""
    found = {routes.get((one, shape(call.path)), "no") for one in call.methods.split(", ")}
    (answer,) = found
    return "differently" if answer == "yes" and call.differs else answer


def answers(app: Litestar) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield what is made of each method of each path."""
    refusals = {not_offered.start_run, not_offered.change_job, not_offered.answer_query}
    names = {str(one) for one in refusals}
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            for method in handler.http_methods:
                is_refused = str(handler) in names
                yield (method, shape(route.path)), "501" if is_refused else "yes"


def shape(path: str) -> str:
    """A path without the names of its places and without a slash at its end."""
    return PLACE.sub("{}", path).rstrip("/") or "/"
