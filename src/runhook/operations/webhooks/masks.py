"""The secrets of a webhook that is changed: what a mask keeps, and what must be given again."""

import json
from collections.abc import Collection, Sequence

from runhook.domain.errors import InvalidError
from runhook.domain.network.destinations import origin_of
from runhook.domain.options.declaring import (
    MASK,
    Option,
    masks_in,
    secret_option_values,
    unmasked,
)
from runhook.domain.webhooks.incidents import opens_incidents
from runhook.domain.webhooks.options import OPTIONS, Options
from runhook.domain.webhooks.webhook import Webhook


def opened_options(asked: Options, shown: Options, kept: Options, lost: Collection[str]) -> Options:
    """Replace masks in the requested options by the secrets that are kept.

    Args:
        asked: where secrets are masked, those that are there are meant.
        shown: those that are there, masked.
        kept: those that are there, with their secrets.
        lost: the names of options whose secrets cannot be opened. They can stay as they are.

    Raises:
        InvalidError: a mask has nothing behind it, or what is lost.
    """
    for one, value in secret_option_values(asked):
        if one.name in lost and value != getattr(shown, one.name) and one.kind.masks_in(value):
            raise InvalidError(
                "what is there was encrypted with a master key that is missing; "
                f"give each value again instead of `{MASK}`",
                field=one.name,
            )
    return unmasked(asked, kept)


def check_move(before: Webhook, after: Webhook) -> None:
    """Check that secrets stay with the origin that they were given for.

    A user who may change a webhook could read them otherwise, by sending them to a server of their
    own.

    Raises:
        InvalidError: the endpoint moves to another origin, and secrets are still masked.
    """
    origin, new_origin = origin_of(before.client_url), origin_of(after.client_url)
    kept = masks_in(after.options)
    if origin != new_origin and kept:
        named = ", ".join(f"`{path}`" for path in kept)
        raise InvalidError(
            f"this moves the webhook from {origin} to {new_origin}, and secrets do not follow; "
            f"give {named} again, or take away what is not needed",
            field="client_url",
            also=kept,
        )


def changed_secrets(kept: Options, opened: Options) -> Sequence[str]:
    """List the options with secrets that are others than before, or in another order."""
    return [
        one.name
        for one in OPTIONS
        if one.kind.has_secrets and option_as_json(one, kept) != option_as_json(one, opened)
    ]


def option_as_json(option: Option, options: Options) -> str:
    """An option as JSON text, to be compared including its order."""
    return json.dumps(option.write(getattr(options, option.name)))


def has_other_key(kept: Options, opened: Options) -> bool:
    """Whether the settings of the format have another key, or anything else where that is all.

    Where incidents are opened, the other settings are about how these look.
    """
    if not opens_incidents(opened):
        return kept.settings != opened.settings
    return any(
        one.name == "format_settings" and one.kind.renewed(old, value)
        for one, value in secret_option_values(opened)
        if (old := getattr(kept, one.name)) is not None
    )
