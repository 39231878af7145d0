"""Variables of the environment that begin with RUNHOOK_ and are not ours.

Kubernetes gives each pod variables for every service of its namespace, and Docker did for links.
For a service named `runhook` they are RUNHOOK_PORT=tcp://10.0.0.1:8580, RUNHOOK_SERVICE_HOST and
others; for one named `runhook-metrics`, RUNHOOK_METRICS_PORT and so on.
"""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence

PREFIX = "RUNHOOK_"
LINK = re.compile(r"(?:tcp|udp|sctp)://\S+:[0-9]+")
"""The value by which a service's links are known: that of <NAME>_PORT."""
OF_LINK = re.compile(r"_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_[0-9]+_\w+)?|NAME|ENV_\w+)")
"""What follows the service's name in the names of its links."""


def links_in(environ: Mapping[str, str]) -> Sequence[str]:
    """Names of variables that are links to a service."""
    ours = [name for name in environ if name.startswith(PREFIX)]
    services = [
        name.removesuffix("_PORT")
        for name in ours
        if name.endswith("_PORT") and LINK.fullmatch(environ[name].strip())
    ]
    return sorted(
        name
        for name in ours
        if any(
            name.startswith(service) and OF_LINK.fullmatch(name, len(service))
            for service in services
        )
    )


def without_links(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment without links to services."""
    links = frozenset(links_in(environ))
    return {name: value for name, value in environ.items() if name not in links}


def remarks_on(environ: Mapping[str, str], known: Collection[str]) -> Sequence[str]:
    """A sentence for each variable that is named like one of ours and ignored.

    Values are left out: one may be a secret under a misspelt name.

    Args:
        environ: the environment.
        known: the names of the variables that something of ours reads.
    """
    links = frozenset(links_in(environ))
    remarks = [
        f"{name} is ignored: Kubernetes sets it for a service of that name"
        for name in sorted(links)
        if name in known
    ]
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known and name not in links:
            meant = name.removeprefix(PREFIX)
            near = difflib.get_close_matches(
                meant, [one.removeprefix(PREFIX) for one in known], n=1
            )
            hint = f"; did you mean {PREFIX}{near[0]}?" if near else ""
            remarks.append(f"{name} is not a variable of Runhook{hint}")
    return remarks
