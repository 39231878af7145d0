"""`runhook serve`: the service, API and dispatcher in one process, or the API alone."""

import argparse

import uvloop

from runhook.cli.service import add_setting_flags, settings_to_serve
from runhook.wiring import Started, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add_setting_flags(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    uvloop.run(serve(settings_to_serve(arguments), announce_service))
    return 0


def announce_service(started: Started) -> None:
    """Say where the service is and, the first time, how to go on."""
    print(f"Runhook listens on {started.url}", flush=True)
    if started.invitation is not None:
        print("There is no user yet. The first to accept this invitation becomes the owner:")
        print(f"  {started.invitation}", flush=True)
    if not started.is_first_start:
        return
    if started.has_bootstrap_token:
        print("  1. your token:       the one in RUNHOOK_BOOTSTRAP_TOKEN")
    else:
        print("  1. make a token:     runhook tokens create --name me --permission account_admin")
    print(
        "  2. make a webhook:   "
        f"curl {started.url}/api/v3/accounts/1/webhooks/subscriptions "
        "-H 'Authorization: Token ...' -H 'Content-Type: application/json' "
        '-d \'{"name": "mine", "client_url": "https://...", '
        '"event_types": ["job.run.completed"]}\''
    )
    print(
        f"  3. report a run:     RUNHOOK_URL={started.url} RUNHOOK_TOKEN=... "
        "runhook run --job nightly -- dbt build",
        flush=True,
    )
