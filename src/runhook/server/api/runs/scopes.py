"""Jobs, environments and projects that are deleted; ``reading`` shows them as dbt Cloud's."""

from litestar import delete
from litestar.params import FromPath
from msgspec import Struct

from runhook.domain.people.permissions import Permission
from runhook.domain.runs.scopes import ScopeKind
from runhook.operations.runs.remove_scope import remove_scope
from runhook.server.access.authentication import needs
from runhook.server.api.wire import Envelope
from runhook.server.services import Calling, Services, Serving


class DeletedScope(Struct, kw_only=True):
    """What is left of a job, an environment or a project that was deleted."""

    id: int


@delete("/jobs/{job_id:int}", status_code=200, **needs(Permission.CHANGE_JOBS))
async def delete_job(
    services: Serving, caller: Calling, job_id: FromPath[int]
) -> Envelope[DeletedScope]:
    """Delete a job that nothing refers to."""
    return await remove(services, caller, ScopeKind.JOB, job_id)


@delete("/environments/{environment_id:int}", status_code=200, **needs(Permission.CHANGE_JOBS))
async def delete_environment(
    services: Serving, caller: Calling, environment_id: FromPath[int]
) -> Envelope[DeletedScope]:
    """Delete an environment that nothing refers to."""
    return await remove(services, caller, ScopeKind.ENVIRONMENT, environment_id)


@delete("/projects/{project_id:int}", status_code=200, **needs(Permission.CHANGE_JOBS))
async def delete_project(
    services: Serving, caller: Calling, project_id: FromPath[int]
) -> Envelope[DeletedScope]:
    """Delete a project that nothing refers to."""
    return await remove(services, caller, ScopeKind.PROJECT, project_id)


async def remove(
    services: Services, caller: Calling, kind: ScopeKind, scope_id: int
) -> Envelope[DeletedScope]:
    """Delete a scope and answer that it is gone."""
    await remove_scope(services.context(caller.actor), caller.account_id, kind, scope_id)
    return Envelope(data=DeletedScope(id=scope_id))


HANDLERS = [delete_job, delete_environment, delete_project]
