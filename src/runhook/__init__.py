"""Webhooks for dbt runs: what a consumer's or a dbt machine's code may import."""

from typing import TYPE_CHECKING

from runhook.domain.version import VERSION

if TYPE_CHECKING:
    from runhook.client.verifying import verify
    from runhook.domain.signature import SignatureError

__version__ = VERSION
__all__ = ["SignatureError", "__version__", "verify"]


def __getattr__(name: str) -> object:
    """Load the public names when they are first asked for.

    `runhook run` imports this package on its way to dbt and needs neither hashing nor JSON.
    """
    if name not in {"SignatureError", "verify"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from runhook.client import verifying  # noqa: PLC0415 - lazily, see above

    return getattr(verifying, name)
