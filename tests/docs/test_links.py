"""What the documents point at is there."""

import re

import pytest

from tests.docs.documents import DOCUMENTS, REPOSITORY, anchors, inline_code, links, name_of

FILE = re.compile(r"[\w./-]+\.(?:py|md|toml|txt)")
FOLDERS = (REPOSITORY, REPOSITORY / "src" / "runhook")
OF_USERS = {"dbt_project.yml", "profiles.yml", "requirements.txt", "runhook.toml", "utils.py"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_to_files_and_headings_that_exist(document):
    broken = [
        target
        for target in links(document.read_text())
        if "://" not in target and not exists(document, target)
    ]

    assert broken == []


@pytest.mark.parametrize(
    # A decision record tells of the day it was accepted.
    "document",
    [one for one in DOCUMENTS if one.parent.name != "decisions"],
    ids=name_of,
)
def test_source_files_named_in_the_text_exist(document):
    missing = [
        code
        for code in inline_code(document.read_text())
        if FILE.fullmatch(code)
        and code not in OF_USERS
        and not any((folder / code).exists() for folder in (*FOLDERS, document.parent))
    ]

    assert missing == []


def test_every_decision_is_in_the_list_of_decisions():
    folder = REPOSITORY / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))

    assert links((folder / "README.md").read_text()) == records


def exists(document, target):
    path, _, fragment = target.partition("#")
    file = (document.parent / path).resolve() if path else document
    return file.exists() and (not fragment or fragment in anchors(file.read_text()))
