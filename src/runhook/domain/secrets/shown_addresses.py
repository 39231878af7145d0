"""Addresses of databases, mail servers and services, fit to be shown: all but the password."""

import re

HIDDEN = "*****"
PASSWORD = re.compile(r"(?i)(?:(?<=[?&])|^)((?:ssl)?password)=[^&#]*")
"""As a parameter, where libpq takes one too."""
HIDDEN_PARAMETER = re.compile(
    rf"(?<=[?&])(?:ssl)?password={re.escape(HIDDEN)}(?:&|$)", re.IGNORECASE
)


def without_password(address: str) -> str:
    """The address with its host, port and name, and without its password.

    What stands between `//` and the last `@` before the path are user and password, whatever
    characters a password has that was not encoded.
    """
    scheme, is_address, rest = address.partition("://")
    if not is_address:
        return HIDDEN
    authority, slash, path = split_authority(rest)
    user_and_password, at, hosts = authority.rpartition("@")
    user, colon, _ = user_and_password.partition(":")
    shown = f"{user}{f':{HIDDEN}' if colon else ''}{at}{hosts}"
    return f"{scheme}://{shown}{slash}" + PASSWORD.sub(rf"\1={HIDDEN}", path)


def without_any_password(address: str) -> str:
    """The address for a command line, to which the password comes from elsewhere."""
    shown = without_password(address).replace(f":{HIDDEN}@", "@")
    return HIDDEN_PARAMETER.sub("", shown).rstrip("?&")


def split_authority(rest: str) -> tuple[str, str, str]:
    """Authority, what follows it, and path: a slash within a password is not where it ends."""
    at = rest.rfind("@", 0, len(rest.partition("?")[0]))
    found = re.search(r"[/?#]", rest[at + 1 :])
    if found is None:
        return rest, "", ""
    position = at + 1 + found.start()
    return rest[:position], rest[position], rest[position + 1 :]
