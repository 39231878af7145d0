"""The audit log says what a change changed, and nothing else."""

from runhook.domain.people.auditing import difference


def test_only_what_differs_is_recorded():
    before = {"name": "Alerts", "hold": 5, "format": "slack"}
    after = {"name": "Pager", "hold": 5, "notify": "every"}

    assert difference(before, after) == (
        {"name": "Alerts", "format": "slack"},
        {"name": "Pager", "notify": "every"},
    )


def test_what_is_new_had_no_values_and_what_is_gone_has_none():
    assert difference({}, {"name": None}) == ({}, {"name": None})
    assert difference({"name": None}, {}) == ({"name": None}, {})
