"""Every event of the log is declared once, and said with the fields that it is declared with."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from runhook.domain.people.auditing import AuditAction
from runhook.telemetry import events
from runhook.telemetry.events import AUDITED, LogEvent, every_event
from tests.docs.documents import REPOSITORY

SOURCES = REPOSITORY / "src" / "runhook"
DECLARED = {name: one for name, one in vars(events).items() if isinstance(one, LogEvent)}
BESIDE = {"exc_info"}
LATER = {"not_shown"}
"""Fields that are added by what keeps an event rare."""
OF_ENDPOINTS = {"webhook", "account", "host"}
"""Fields that all events of endpoints have, and get at once."""


def trees() -> Iterator[ast.Module]:
    for path in SOURCES.rglob("*.py"):
        if path.name != "events.py" or path.parent.name != "telemetry":
            yield ast.parse(path.read_text())


def seldom_events() -> dict[str, str]:
    """Events that are said by way of an attribute which keeps them rare, by its name."""
    found = {}
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                for call in ast.walk(node.value):
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == "Seldom":
                        name = target.id if isinstance(target, ast.Name) else target.attr
                        found[name] = ast.unparse(call.args[0])
    return found


def said() -> dict[str, list[set[str]]]:
    """The fields of each place that says an event, by the name of its declaration."""
    rare = seldom_events()
    found = defaultdict(list)
    for tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            if isinstance(node.func, ast.Name) and node.func.id == "tell":
                called = "tell"
            fields = {one.arg for one in node.keywords}
            if called == "say" and isinstance(node.func, ast.Attribute):
                subject = ast.unparse(node.func.value)
                name = rare.get(subject.rpartition(".")[2], subject)
                if name in DECLARED:
                    found[name].append(fields)
            elif called == "tell" and node.args and (name := ast.unparse(node.args[0])) in DECLARED:
                found[name].append(fields)
    return found


SAID = said()


@pytest.mark.parametrize("name", DECLARED)
def test_an_event_is_said_with_the_fields_that_it_is_declared_with(name: str):
    event = DECLARED[name]
    wanted = set(event.fields) - LATER
    if event.name.startswith("endpoint."):
        wanted -= OF_ENDPOINTS

    told = SAID[name]

    assert told, f"nothing says {event.name}"
    assert set().union(*told) - BESIDE == wanted


def test_what_the_audit_log_has_is_logged_too_but_for_what_endpoints_bring_about():
    own = {AuditAction.WEBHOOK_PAUSED, AuditAction.WEBHOOK_RESUMED, AuditAction.WEBHOOK_DEACTIVATED}

    assert set(AUDITED) == set(AuditAction) - own


def test_names_are_words_with_a_dot_and_meanings_are_sentences():
    for event in every_event():
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", event.name), event.name
        assert re.fullmatch(r"[A-Z].*\.", event.meaning), event.meaning
    names = [one.name for one in every_event()]
    assert len(names) == len(set(names))


def test_nothing_else_writes_a_log():
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                assert ast.unparse(node) != "structlog.get_logger"
