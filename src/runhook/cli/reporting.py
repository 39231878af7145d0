"""What the commands of the client share: who is told."""

import argparse

from runhook.client.settings import DEFAULT_URL


def add_service_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say whose service is told."""
    parser.add_argument(
        "--url", help=f"where Runhook's service is (RUNHOOK_URL; else {DEFAULT_URL})"
    )
    parser.add_argument(
        "--account-id", metavar="ID", help="whose runs these are (RUNHOOK_ACCOUNT_ID; else 1)"
    )
