"""Addresses of dbt Cloud's pages, as its clients build them, lead to the pages here.

The oldest ones name their page behind a `#`, which no server gets to see: the script sends those on
to `/accounts/…/projects/…`. Where an address leads is no secret; the page there asks who reads it.
"""

from litestar import Router, get
from litestar.params import FromPath
from litestar.response import Redirect

from runhook.server.access.authentication import Access, authorize, open_to
from runhook.server.web.page.errors import show_error

PLACES = ("/deploy", "/next/deploy", "/next/accounts", "/accounts")


@get("/runs/{run_id:int}", **open_to(Access.ANYONE))
async def lead_to_run(account_id: FromPath[int], run_id: FromPath[int]) -> Redirect:
    """Lead to a run."""
    return Redirect(f"/accounts/{account_id}/runs/{run_id}")


@get("/jobs/{job_id:int}", **open_to(Access.ANYONE))
async def lead_to_job(account_id: FromPath[int], job_id: FromPath[int]) -> Redirect:
    """Lead to a job."""
    return Redirect(f"/accounts/{account_id}/jobs/{job_id}")


routers = [
    Router(
        f"{place}/{{account_id:int}}/projects/{{project_id:int}}",
        route_handlers=[lead_to_run, lead_to_job],
        guards=[authorize],
        exception_handlers={Exception: show_error},
    )
    for place in PLACES
]
