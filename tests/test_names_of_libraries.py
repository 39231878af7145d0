"""Of the libraries beneath us only what they document is used.

What is imported from them, and what is reached through a module of theirs, is listed in
`names_of_libraries.txt`: look up in their documentation what is added there.
`RUNHOOK_WRITE_SNAPSHOTS=1` writes it anew.
"""

import ast
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src" / "runhook"
LISTED = Path(__file__).with_name("names_of_libraries.txt")
OF_THE_STANDARD_LIBRARY = {"sqlite3", "ssl"}
"""Those of its modules that stand beneath storage and sending."""
LOOKED_UP = {
    *("aiohappyeyeballs", "aiosmtplib", "alembic", "asyncpg", "httptools", "sqlalchemy", "uvicorn"),
    *OF_THE_STANDARD_LIBRARY,
}
"""Libraries whose inner parts would be at hand, and of use."""
UNDOCUMENTED_MODULES = {
    "uvicorn.protocols.http.httptools_impl": "behind a protocol of ours, and fixed: decision 0047",
}
DOCUMENTED_THOUGH_UNDERSCORED = {"_asdict", "_replace", "_exit"}
"""Of named tuples, and of ``os``."""


def libraries_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each name of a library in a file, with the module it is from."""
    tree = ast.parse(path.read_text())
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if is_library(alias.name):
                    modules[alias.asname or alias.name.partition(".")[0]] = alias.name
                    yield alias.name, "(module)"
        elif isinstance(node, ast.ImportFrom) and node.module and is_library(node.module):
            for alias in node.names:
                yield node.module, alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (found := chain_of(node, modules)):
            yield found


def is_library(module: str) -> bool:
    """Whether a module is of a library: ours is none, and the standard library's are few."""
    top = module.partition(".")[0]
    return top in OF_THE_STANDARD_LIBRARY or top not in {
        "runhook",
        "_typeshed",
        *sys.stdlib_module_names,
    }


def chain_of(node: ast.Attribute, modules: Mapping[str, str]) -> tuple[str, str] | None:
    """Say what is reached through a module: `event.listen` of `sqlalchemy`."""
    names = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        names.append(inner.attr)
        inner = inner.value
    if not isinstance(inner, ast.Name) or inner.id not in modules:
        return None
    names.reverse()
    # What follows is the database's function.
    return modules[inner.id], "func" if names[0] == "func" else ".".join(names)


def names_in_use() -> list[str]:
    return sorted(
        {
            f"{module}: {name}"
            for path in SOURCES.rglob("*.py")
            for module, name in libraries_of(path)
        }
    )


def test_what_is_used_of_libraries_has_been_looked_up():
    used = [line for line in names_in_use() if split(line)[0] in LOOKED_UP]
    if os.environ.get("RUNHOOK_WRITE_SNAPSHOTS"):
        LISTED.write_text("\n".join(used) + "\n")

    assert used == LISTED.read_text().splitlines()


def test_no_module_or_name_that_a_library_keeps_to_itself_is_used():
    private = {
        line.partition(": ")[0]
        for line in names_in_use()
        if any(part.startswith("_") or part.endswith("_impl") for part in split(line))
    }

    assert private == set(UNDOCUMENTED_MODULES)


def split(line: str) -> list[str]:
    module, _, name = line.partition(": ")
    return [*module.split("."), *name.split(".")]


def test_no_private_attribute_of_another_object_is_reached():
    """Those of ``self``, and of other objects of a class in the same file, are no library's."""
    reached = {
        f"{path.relative_to(SOURCES)}: {name}"
        for path in SOURCES.rglob("*.py")
        for name in private_attributes_in(ast.parse(path.read_text()))
    }

    assert reached == set()


def private_attributes_in(tree: ast.Module) -> set[str]:
    """Names that begin with an underscore, are reached through some object, and are not ours."""
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    ours = {one.name for one in functions}
    ours |= {one.attr for one in attributes if isinstance(one.ctx, ast.Store)}
    return {
        one.attr
        for one in attributes
        if one.attr.startswith("_")
        and not one.attr.startswith("__")
        and not (isinstance(one.value, ast.Name) and one.value.id in {"self", "cls"})
    } - (ours | DOCUMENTED_THOUGH_UNDERSCORED)
