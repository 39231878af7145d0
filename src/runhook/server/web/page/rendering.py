"""Templates, and the answers made of them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import HttpMethod, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader, Cookie
from litestar.handlers import BaseRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig

from runhook.domain.errors import NotFoundError
from runhook.domain.people.users import User
from runhook.server.access.authentication import Access, Connection, open_to
from runhook.server.web.page.said import SENTENCES_OF_DONE
from runhook.server.web.page.showing import FILTERS, GLOBALS

FOLDER = Path(__file__).parents[1]
STATIC_FILES = {file.name for file in (FOLDER / "static").iterdir() if file.is_file()}


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """Configuration of templates; an unknown name in one raises."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(GLOBALS)
    environment.globals["sentences_of_done"] = SENTENCES_OF_DONE
    environment.globals["static"] = {
        name: f"/static/{name}?{file_digest(FOLDER / 'static' / name)}" for name in STATIC_FILES
    }
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def file_digest(file: Path) -> str:
    """Part of a file's hash, for its address."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def static_files() -> Router:
    """Route of the pages' files beside HTML; their addresses contain their hashes."""
    return create_static_files_router(
        "/static",
        [FOLDER / "static"],
        guards=[only_ours],
        cache_control=CacheControlHeader(max_age=31_536_000, public=True, immutable=True),
        # Pages are not compressed: what they show and what an address puts into them would tell
        # of each other by their length.
        middleware=[DefineMiddleware(CompressionMiddleware, config=CompressionConfig("gzip"))],
        **open_to(Access.ANYONE),
    )


def only_ours(connection: Connection, _: BaseRouteHandler) -> None:
    """Ask the file system for no name that is not one of our files'.

    Raises:
        NotFoundError: it is not.
    """
    if connection.scope.get("method") == HttpMethod.OPTIONS:
        # Answered by the framework, which asks for no file.
        return
    if str(connection.path_params["file_path"]).removeprefix("/") not in STATIC_FILES:
        raise NotFoundError


def page(
    name: str,
    *,
    user: User | None = None,
    visit: object = None,
    status_code: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> Template:
    """Render a page.

    Args:
        name: of its template, without the ending.
        user: who looks at it outside any account, None if not signed in.
        visit: of who looks at it within an account.
        status_code: of the response.
        headers: of the response, beside those that all have.
        context: what the template shows.
    """
    return Template(
        f"{name}.html",
        context={"user": user, "visit": visit, "section": "", **context},
        status_code=status_code,
        headers=headers,
        media_type="text/html",
    )


def see(path: str, *, cookies: Iterable[Cookie] = ()) -> Redirect:
    """Send a browser on to another page, to be asked for with GET."""
    return Redirect(path, status_code=303, cookies=list(cookies))
