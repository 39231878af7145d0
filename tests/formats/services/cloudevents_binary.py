"""CloudEvents in binary mode, as the specification's own SDK reads them."""

from runhook.domain.formats.format import Rendered
from tests.formats.services.cloudevents import check_event

SETTINGS: dict[str, object] = {}
SECRETS: list[str] = []


def check(rendered: Rendered) -> None:
    for name, value in rendered.headers.items():
        assert name.startswith("ce-")
        assert value
        assert all("!" <= one <= "~" for one in value)
    check_event(rendered, "application/json")
