"""`runhook dispatch`: the loops that deliver, and no API."""

import argparse

import uvloop

from runhook.cli.service import add_setting_flags, settings_to_serve
from runhook.wiring import dispatch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add_setting_flags(
        parser,
        "data_dir",
        "database_url",
        "database_pooler",
        "allow_networks",
        "retry_schedule",
        "attempt_timeout",
        "retention_days",
        "metrics_host",
        "metrics_port",
        "log_format",
        "log_level",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Deliver until SIGTERM or Ctrl-C."""
    uvloop.run(dispatch(settings_to_serve(arguments), announce_worker))
    return 0


def announce_worker(name: str) -> None:
    """Print the name of this worker."""
    print(f"Runhook delivers as {name}", flush=True)
