"""Projects and environments, listed; and the page on which one of them, or a job, is deleted."""

from collections.abc import Sequence

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect, Template

from runhook.domain.errors import NotFoundError
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.scopes import ScopeKind
from runhook.operations.runs.remove_scope import remove_scope
from runhook.server.access.authentication import needs
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services, Serving
from runhook.server.web.page.forms import Form
from runhook.server.web.page.rendering import see
from runhook.server.web.page.visits import Visit, Visiting
from runhook.storage.engine.pages import Slice
from runhook.storage.runs.jobs import NameOrder, ScopeFilter, list_environments, list_projects
from runhook.storage.runs.scopes import count_references, find_scope

SHOWN = 500
LISTS = {
    ScopeKind.JOB: "jobs",
    ScopeKind.ENVIRONMENT: "projects",
    ScopeKind.PROJECT: "projects",
}
"""Where each kind is listed."""


@get("/projects", **needs(Permission.READ_RUNS))
async def show_projects(services: Serving, visit: Visiting) -> Template:
    """List the account's projects with their environments."""
    part = Slice(order=NameOrder.NAME, limit=SHOWN)
    async with services.store.read() as tx:
        projects = await list_projects(tx, visit.account_id, ScopeFilter(), part)
        ids = [one.id for one in projects.items]
        chosen = ScopeFilter(project_ids=ids)
        environments = await list_environments(tx, visit.account_id, chosen, part)
    return visit.page(
        "runs/projects",
        section="jobs",
        projects=projects.items,
        environments={
            id_: [one for one in environments.items if one.project.id == id_] for id_ in ids
        },
        has_more=projects.total > len(projects.items)
        or environments.total > len(environments.items),
    )


async def asking(
    services: Services, visit: Visit, kind: ScopeKind, scope_id: int, form: Form
) -> Template:
    """The page that says what refers to a scope, or asks for its name to delete it.

    Raises:
        NotFoundError: the account has no such scope.
    """
    async with services.store.read() as tx:
        name = await find_scope(tx, visit.account_id, kind, scope_id)
        if name is None:
            raise NotFoundError
        references = await count_references(tx, visit.account_id, kind, scope_id)
    return visit.page(
        "runs/delete",
        section="jobs",
        status_code=400 if form.errors else 200,
        kind=kind,
        called=name,
        list=LISTS[kind],
        references=references,
        form=form,
    )


async def delete(
    request: AnyRequest, services: Services, visit: Visit, kind: ScopeKind, scope_id: int
) -> Template | Redirect:
    """Delete a scope whose name was typed, and lead to the others."""
    form = await Form.sent_with(request, "name")
    async with services.store.read() as tx:
        name = await find_scope(tx, visit.account_id, kind, scope_id)
    # Pages and fields show any white space as one space.
    if name is not None and form["name"].split() != name.split():
        form.errors["name"] = f"Type the name of the {kind}, as it is written above."
        return await asking(services, visit, kind, scope_id, form)
    await remove_scope(services.context(visit.caller.actor), visit.account_id, kind, scope_id)
    return see(f"{visit.root}/{LISTS[kind]}")


def deleting(kind: ScopeKind) -> Sequence[HTTPRouteHandler]:
    """The two handlers of the page on which a scope of this kind is deleted."""
    path = f"/{kind}s/{{{kind}_id:int}}/delete"
    access = needs(Permission.CHANGE_JOBS)

    @get(path, name=f"ask_about_{kind}", **access)
    async def ask(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
        """Show what refers to it, or ask whether to delete it."""
        scope_id = request.path_params[f"{kind}_id"]
        return await asking(services, visit, kind, scope_id, Form())

    @post(path, name=f"delete_{kind}", status_code=200, **access)
    async def carry_out(
        request: AnyRequest, services: Serving, visit: Visiting
    ) -> Template | Redirect:
        """Delete it."""
        scope_id = request.path_params[f"{kind}_id"]
        return await delete(request, services, visit, kind, scope_id)

    return [ask, carry_out]


handlers = [show_projects, *(handler for kind in ScopeKind for handler in deleting(kind))]
