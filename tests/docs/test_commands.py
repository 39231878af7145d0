"""The commands that the documents name exist, with the flags they are shown with."""

import argparse
import re
from importlib import import_module

import pytest

from runhook.cli.main import COMMANDS
from tests.docs.documents import DOCUMENTS, README, REPOSITORY, blocks, inline_code, name_of

COMMAND = re.compile(r"\brunhook ([a-z]+)([^\n`)]*)")


def shown_in(document):
    """Every piece of shell that a document shows."""
    text = document.read_text()
    return [*blocks(text, "sh"), *inline_code(text)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_documented_commands_and_flags_exist(document):
    shown = [found for piece in shown_in(document) for found in COMMAND.findall(piece)]

    assert [name for name, _ in shown if name not in COMMANDS] == []
    unknown = [
        (name, flag)
        for name, rest in shown
        for flag in re.findall(r"(?<!\S)--[a-z][\w-]*", rest.partition(" -- ")[0])
        if flag not in flags_of(name)
    ]
    assert unknown == []


def test_every_command_is_documented():
    documented = {
        name
        for document in DOCUMENTS
        for piece in shown_in(document)
        for name, _ in COMMAND.findall(piece)
    }

    assert documented == set(COMMANDS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_documented_variables_of_make_and_files_of_tests_exist(document):
    shown = "\n".join(shown_in(document))
    makefile = (REPOSITORY / "Makefile").read_text()

    given = re.findall(r"\bmake [a-z-]+ ([A-Z]+)=", shown)
    assert [one for one in given if f"$({one})" not in makefile] == []
    written = re.findall(r"RUNHOOK_WRITE_SNAPSHOTS=1 \.venv/bin/pytest (\S+)", shown)
    texts = [(REPOSITORY / one).read_text() for one in written]
    assert [one for one in texts if "RUNHOOK_WRITE_SNAPSHOTS" not in one] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_documented_make_targets_exist(document):
    named = {
        target
        for piece in shown_in(document)
        for target in re.findall(r"\bmake(?: [A-Z]+=\S+)* ([a-z-]+)\b", piece)
    }

    assert named <= make_targets()


def test_the_contributor_is_told_of_every_make_target():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()

    assert [one for one in sorted(make_targets()) if f"`make {one}`" not in text] == []


def test_the_readme_begins_with_the_two_commands():
    assert blocks(README.read_text(), "sh")[0] == "make demo\nmake test\n"


def flags_of(command):
    """The flags of a command and of its actions."""
    parser = argparse.ArgumentParser()
    import_module(COMMANDS[command].module).add_arguments(parser)
    return {"--help", *option_strings(parser)}


def option_strings(parser):
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from option_strings(below)


def make_targets():
    return set(re.findall(r"^([a-z-]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
