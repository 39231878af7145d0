"""Which variables Runhook reads, service and client together, and which it does not.

The same environment is often given to both: to a container in which dbt runs beside the service.
"""

from collections.abc import Mapping, Sequence

from runhook.client.settings import VARIABLES
from runhook.domain.service.variables import remarks_on
from runhook.settings import SETTINGS


def remarks(environ: Mapping[str, str]) -> Sequence[str]:
    """Warnings about variables that look like ours but are ignored, one sentence each."""
    ours = [variable for setting in SETTINGS for variable in setting.variables]
    return remarks_on(environ, [*ours, *VARIABLES])
