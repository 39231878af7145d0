"""The secret that a command signs with."""

import os

from runhook.domain.errors import InvalidError
from runhook.domain.webhooks.signature import (
    SECRET_PREFIX,
    Secret,
    SecretError,
    check_signing_secret,
)
from runhook.secret_files import secret_in


def signing_secret(text: str | None) -> Secret | None:
    """The secret of a flag or of RUNHOOK_WEBHOOK_SECRET; None if there is neither.

    Raises:
        InvalidError: it cannot sign.
    """
    given = text if text is not None else secret_in(os.environ, "RUNHOOK_WEBHOOK_SECRET")
    if given is None:
        return None
    try:
        secret = Secret(check_signing_secret(given))
    except SecretError as error:
        raise InvalidError(str(error)) from None
    if not secret.reveal().startswith(SECRET_PREFIX):
        raise InvalidError(f"only a secret that begins with `{SECRET_PREFIX}` can sign")
    return secret
