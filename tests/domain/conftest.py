"""Ids of tests by which `make mutants` can choose them."""

import pytest


def pytest_make_parametrize_id(config: pytest.Config, val: object) -> str | None:
    """Keep `::`, which separates the parts of an id, out of values such as `2001:db8::1`."""
    return val.replace("::", ":_:") if isinstance(val, str) and "::" in val else None
