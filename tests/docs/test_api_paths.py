"""docs/api.md lists the API's routes, each with who may use it; pages show themselves."""

import re
from collections.abc import Iterator

from litestar.routes import HTTPRoute

from runhook.server.access.authentication import Access
from runhook.storage.engine.store import Store
from tests.docs.documents import REPOSITORY, table_rows
from tests.support.api import Api
from tests.support.clock import ManualClock
from tests.support.databases import VAULT

ACCOUNT = "/api/v3/accounts/{account_id}"
PAGES = re.compile(r"/(accounts|welcome|live|sessions|deploy|next|help)(/|$)")
METHODS = {"GET", "POST", "PUT", "DELETE"}


def test_the_tables_of_paths_are_the_routes_of_the_application(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'never-opened.db'}", vault=VAULT)

    assert documented() == sorted(routes_of(Api(store=store, clock=ManualClock()).app))


def documented() -> list[tuple[str, str, str]]:
    rows = table_rows((REPOSITORY / "docs" / "api.md").read_text())
    paths = [row for row in rows if row[0] in METHODS]
    return sorted(
        (method, path.strip("`"), may_use[0] if may_use else Access.ANYONE.value)
        for method, path, _, *may_use in paths
    )


def routes_of(app) -> Iterator[tuple[str, str, str]]:
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        path = re.sub(r":\w+}", "}", route.path_format)
        if PAGES.match(path):
            continue
        path = path.removeprefix(ACCOUNT)
        for handler in route.route_handlers:
            for method in METHODS & set(handler.http_methods):
                may_use = handler.opt.get("permission") or handler.opt["access"]
                yield method, path or "/", str(may_use)
