"""One word for one thing: public names are unique, and texts are in plain English."""

import ast
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.docs.documents import DOCUMENTS, REPOSITORY

PACKAGE = REPOSITORY / "src" / "runhook"
MIGRATIONS = PACKAGE / "storage/migrations"

# Modules that answer to the same names on purpose: the module's name is what is chosen.
TWINS = (
    # Each command declares its flags and runs; `cli/main.py` imports the one that was typed.
    frozenset(path for path in PACKAGE.glob("cli/*.py")),
    # One statement for each database; the store chooses the module when it opens.
    frozenset({PACKAGE / "storage/engine/_sqlite.py", PACKAGE / "storage/engine/_postgresql.py"}),
    # One renderer for each version of payloads; the webhook's option chooses the module.
    frozenset(PACKAGE.glob("domain/payload/v20*.py")),
    # Each format writes its own markup, with parts that are called alike: a node's line, a card.
    frozenset(PACKAGE.glob("domain/formats/*.py")),
)
TWIN_NAMES_OF_COMMANDS = {"add_arguments", "execute"}

EXCEPTIONS = {
    "Status": "a schema of the API's description is called so, as in dbt Cloud's envelope",
    "Run": "`runhook.run` returns it: a name that users import, beside the run of the domain",
}

ROUTES = {"get", "post", "put", "patch", "delete", "head", "websocket"}
"""A handler is named after its action within its module, and only its router uses the name."""

BANNED = re.compile(
    r"\b(?:whoever|whomever|nobody|lest)\b"
    r"|\bwhat (?:waits|waited|is to be|came of|comes of|became of|becomes of)\b"
    r"|\b(?:wants?|wanted|would) (?:not )?to hear\b"
    r"|\b(?:none is none|so it is\.|as it is so|is told of|are told of)\b"
    r"|\bmend(?:s|ed|ing)?\b"
    r"|\b(?:nor with any others|it is as asked for|it is made\.|it is heard)\b"
    r"|\b(?:where the words stand|do what the action says|going on as it is)\b"
    r"|\"\"\"(?:It is done|Look around|Both|Its content|Do it\b[^\"]*)\.\"\"\"",
    re.IGNORECASE,
)
"""Words that a plain engineer would not write; docs/glossary.md has the ones to use."""

RETURN = re.compile(r"Returns? ")
"""A docstring says what a thing is or does; that a function returns it goes without saying."""

MAY_HAVE_BANNED_WORDS = {
    "nobody": {"src/runhook/domain/secrets/redaction.py"},  # a user's name on Unix
}


def test_no_two_public_names_of_the_package_are_equal():
    homes: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.is_relative_to(MIGRATIONS):
            continue  # Alembic calls their functions by names of its own
        for name in public_names(path):
            homes[name].append(path)

    equal = {
        name: [str(path.relative_to(PACKAGE)) for path in paths]
        for name, paths in homes.items()
        if len(paths) > 1 and name not in EXCEPTIONS and not are_twins(name, paths)
    }

    assert equal == {}, "rename them to say what each is, or give a reason in EXCEPTIONS"


def test_texts_have_no_word_that_the_glossary_replaces():
    texts = [
        *PACKAGE.rglob("*.py"),
        *PACKAGE.rglob("*.html"),
        *(one for one in DOCUMENTS if one.name != "CHANGELOG.md"),
    ]
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}: {match[0]}"
        for path in sorted(texts)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        for match in BANNED.finditer(line)
        if str(path.relative_to(REPOSITORY)) not in MAY_HAVE_BANNED_WORDS.get(match[0].lower(), ())
    ]

    assert found == []


def test_comments_and_docstrings_of_tests_have_none_either():
    """What tests send and expect may have any word."""
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}: {match[0]}"
        for path in sorted((REPOSITORY / "tests").rglob("*.py"))
        for number, text in prose_of(path)
        for match in (BANNED.search(text), RETURN.match(text))
        if match
    ]

    assert found == []


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """Lines and texts of a module's comments, and of strings that stand alone as docstrings do."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node.lineno, text


def public_names(path: Path) -> Iterator[str]:
    """The functions and classes of a module that others could import, without route handlers."""
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if not node.name.startswith("_") and not is_route_handler(node):
                    yield node.name


def is_route_handler(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the web framework's decorator makes this a route."""
    called = (one.func for one in node.decorator_list if isinstance(one, ast.Call))
    return any(isinstance(one, ast.Name) and one.id in ROUTES for one in called)


def are_twins(name: str, paths: list[Path]) -> bool:
    """Whether these modules have the same names on purpose."""
    commands, *others = TWINS
    if commands.issuperset(paths):
        return name in TWIN_NAMES_OF_COMMANDS
    return any(twins.issuperset(paths) for twins in others)
