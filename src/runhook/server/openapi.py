"""The API's description: generated from the routes, and finished with what they cannot say.

The generator knows paths, parameters, bodies and successes. Which errors a route can answer with,
and which credentials it wants, follow from the permission or the access that it declares.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, get
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from runhook.domain.options.kinds import Choice
from runhook.domain.version import VERSION
from runhook.domain.webhooks.options import OPTIONS
from runhook.server.access.authentication import Access, open_to
from runhook.server.api.runs.artifacts import put_artifact
from runhook.server.api.runs.uploads import put_archive
from runhook.server.api.wire import short_page
from runhook.server.openapi_webhooks import SIGNATURE, webhooks_and_schemas

Json = dict[str, Any]

ABOUT = """\
dbt Cloud's webhook API, the reads that its consumers make back, and what reporters of runs call.

Every answer is an envelope of `data`, `status` and `extra`. Every path may end in a slash. What is
another account's looks like what is not there: 404."""

SECURITY_SCHEMES: Mapping[str, Json] = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Token <token>`, as dbt Cloud's clients send it.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same token."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "runhook_session",
        "description": "Of a signed-in user; over https its name begins with `__Host-`, and with "
        "`__Secure-` if the public URL has a path. Requests that change something must come from "
        "one of the service's own pages, as Sec-Fetch-Site or Origin says.",
    },
}
SUCCESSES = {"200": "OK", "201": "Created", "204": "Accepted"}
ERRORS = {
    400: "Something in the query or the body is not valid; the message names it.",
    401: "No token or session, or one that is not valid.",
    403: "The permission set or the role does not allow it.",
    404: "Not found, or you have no access.",
    409: "It contradicts the present state.",
    413: "The body is too large.",
    415: "The body is compressed, or something else than JSON.",
    429: "Too many attempts have failed.",
    501: "Runhook does not do that; the sentence says what to do instead.",
    503: "Not possible at the moment; try again later.",
}
ERROR: Json = {
    "type": "object",
    "title": "Error",
    "description": "What went wrong, in words, and its code.",
    "properties": {
        "data": {"type": "null"},
        "status": {"$ref": "#/components/schemas/Status"},
        "extra": {"type": "object"},
    },
    "required": ["data", "status", "extra"],
}
RETRY_AFTER: Json = {
    "description": "How many seconds to wait.",
    "schema": {"type": "integer", "minimum": 1},
}
USUALLY_FALSE = {"deprecated", "allowEmptyValue", "allowReserved"}
MODULE = re.compile(r"runhook(?:\.\w+)*\.(?=[A-Z])")


class Description:
    """The OpenAPI document of these routes under a path, made when it is first asked for."""

    def __init__(self, route_handlers: Sequence[ControllerRouterHandler], path: str) -> None:
        self._route_handlers = route_handlers
        self._path = path

    @cached_property
    def text(self) -> bytes:
        """The document as JSON, readable to people too."""
        return msgspec.json.format(msgspec.json.encode(self._document()), indent=2) + b"\n"

    def _document(self) -> Json:
        # An application that serves nothing: the one that serves would also serve the generator's
        # own pages.
        described = Litestar(
            route_handlers=self._route_handlers,
            dependencies={
                "services": Provide(lambda: None, sync_to_thread=False),
                "page": Provide(short_page),
            },
            openapi_config=OpenAPIConfig(
                title="Runhook", version=VERSION, description=ABOUT, use_handler_docstrings=True
            ),
            logging_config=None,
        )
        document: Json = described.openapi_schema.to_schema()
        for path, method, handler in operations_of(described):
            complete_operation(document["paths"][path][method], handler)
        # Where a handler has several paths, they come in no order.
        document["paths"] = dict(sorted(document["paths"].items()))
        document["servers"] = [{"url": f"{self._path}/"}]
        components = document["components"]
        components["securitySchemes"] = {**SECURITY_SCHEMES, "signature": SIGNATURE}
        components["responses"] = {str(code): described_error(code) for code in ERRORS}
        components["schemas"]["Error"] = ERROR
        describe_schemas(components["schemas"])
        document["webhooks"], payloads = webhooks_and_schemas()
        components["schemas"] |= payloads
        return with_short_names(without_noise(document))


def operations_of(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Yield each route's path and method as the document has them."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.resolve_include_in_schema():
                    for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                        yield route.path_format, method.lower(), handler


def complete_operation(operation: Json, handler: HTTPRouteHandler) -> None:
    """Complete an operation: name, credentials, errors."""
    sentences = " ".join(operation.get("description", "").split())
    operation["summary"] = re.split(r"[;.:] |\.$", sentences)[0]
    if handler.fn in (put_artifact.fn, put_archive.fn):
        operation["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        }
    operation["security"] = security_of(handler)
    if permission := handler.opt.get("permission"):
        operation["description"] = f"{sentences}\n\nNeeds the permission to {permission}."
    successes = {
        code: {**response, "description": SUCCESSES[code]}
        for code, response in sorted(operation["responses"].items())
        if code in SUCCESSES
    }
    # Those of a path come in no order where the handler does not ask for them.
    operation.get("parameters", []).sort(
        key=lambda one: one["name"] if one["in"] == "path" else "~"
    )
    errors = errors_of(operation, handler)
    operation["responses"] = {
        **successes,
        **{str(code): {"$ref": f"#/components/responses/{code}"} for code in errors},
    }


def described_error(code: int) -> Json:
    """Describe the response of an error."""
    response: Json = {
        "description": ERRORS[code],
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if code in {429, 503}:
        response["headers"] = {"Retry-After": RETRY_AFTER}
    return response


def security_of(handler: HTTPRouteHandler) -> list[Json]:
    """Credentials that an operation accepts, each alone."""
    match handler.opt.get("access"):
        case Access.ANYONE:
            return []
        case Access.ANY_USER:
            names = ["session"]
        case _:
            names = list(SECURITY_SCHEMES)
    return [{name: []} for name in names]


def errors_of(operation: Json, handler: HTTPRouteHandler) -> Sequence[int]:
    """Status codes of an operation's errors."""
    parameters = operation.get("parameters", [])
    changes = "GET" not in handler.http_methods
    has_body = "requestBody" in operation
    codes = {503}
    if handler.status_code == 501:
        codes.add(501)
    if handler.opt.get("access") is not Access.ANYONE:
        codes |= {401, 403, 429}
    elif changes:
        codes |= {401, 403, 404, 409, 429}
    if any(one["in"] == "path" for one in parameters):
        codes.add(404)
    if has_body or any(one["in"] == "query" for one in parameters):
        codes.add(400)
    if changes:
        codes |= {400, 409}
    if handler.opt.get("may_conflict"):
        codes.add(409)
    if has_body:
        codes |= {413, 415}
    return sorted(codes)


def describe_schemas(schemas: dict[str, Json]) -> None:
    """Say of each schema what the generator leaves out of the class that it was generated from."""
    structs = {one.__name__: one for one in every_struct(msgspec.Struct)}
    choices = {one.kind.words.__name__: one for one in OPTIONS if isinstance(one.kind, Choice)}
    for schema in schemas.values():
        choice = choices.get(schema.get("title", ""))
        if choice is not None:
            # The generator takes it from whichever of its uses it comes to first.
            schema["description"] = choice.help
        struct = structs.get(schema.get("title", ""))
        if struct is None:
            continue
        if struct.__doc__ and "description" not in schema:
            schema["description"] = " ".join(struct.__doc__.split())
        if struct.__struct_config__.forbid_unknown_fields:
            schema["additionalProperties"] = False


def every_struct(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Yield the classes of ours that describe JSON."""
    for one in base.__subclasses__():
        if one.__module__.startswith("runhook."):
            yield one
        yield from every_struct(one)


def without_noise(value: Any) -> Any:
    """Remove defaults from the document."""
    if isinstance(value, list):
        return [without_noise(one) for one in value]
    if not isinstance(value, dict):
        return value
    choices = value.get("oneOf", ())
    if len(choices) == 1:
        rest = {name: one for name, one in value.items() if name != "oneOf"}
        return without_noise({**choices[0], **rest})
    return {
        name: without_noise(one)
        for name, one in value.items()
        if not (name in USUALLY_FALSE and one is False) and not (name == "headers" and one == {})
    }


def with_short_names(document: Json) -> Json:
    """Name schemas by their classes, without our modules."""
    text = MODULE.sub("", msgspec.json.encode(document).decode())
    shortened: Json = msgspec.json.decode(
        re.sub(r"(schemas/|\")(Envelope_\w+?)_?\"", r'\1\2"', text)
    )
    return shortened


@get("/api/openapi.json", include_in_schema=False, **open_to(Access.ANYONE))
async def show_description(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Describe the API, in OpenAPI."""
    description: Description = request.app.state.description
    return Response(description.text, media_type=MediaType.JSON)
