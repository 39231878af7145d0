"""What each service takes, as its format's tests need it: a module for each format, of its name.

A module has ``SETTINGS``, the JSON of settings that are whole; ``SECRETS``, those of them that must
not be in any bytes; and ``check``, which raises AssertionError for a request that the service would
refuse, and for one that calls anybody.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from runhook.domain.formats.format import Rendered


class Service(Protocol):
    """What a module of this folder has."""

    SETTINGS: Mapping[str, object]
    SECRETS: Sequence[str]

    def check(self, rendered: Rendered) -> None: ...


def service_of(name: str) -> Service:
    """The service of a format."""
    return cast(Service, importlib.import_module(f"tests.formats.services.{name}"))
