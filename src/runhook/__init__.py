"""Webhooks for dbt runs: what a consumer's or a dbt machine's code may import."""

from typing import TYPE_CHECKING

from runhook.domain.version import VERSION

if TYPE_CHECKING:
    from runhook.client.listen.verifying import verify
    from runhook.client.python.running import Run, run
    from runhook.domain.webhooks.signature import SignatureError

__version__ = VERSION
__all__ = ["Run", "SignatureError", "__version__", "run", "verify"]
HOMES = {
    "Run": "runhook.client.python.running",
    "SignatureError": "runhook.client.listen.verifying",
    "run": "runhook.client.python.running",
    "verify": "runhook.client.listen.verifying",
}


def __getattr__(name: str) -> object:
    """Load the public names when they are first asked for.

    `runhook run` imports this package on its way to dbt and needs neither hashing nor JSON.
    """
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - lazily, see above

    return getattr(import_module(HOMES[name]), name)
