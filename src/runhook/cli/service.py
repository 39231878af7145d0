"""What the commands of the service share: reading the settings."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import structlog

from runhook.cli.variables import remarks
from runhook.settings import SETTINGS, Origin, Settings, load
from runhook.telemetry import configure_logging


def add_setting_flags(parser: argparse.ArgumentParser, *names: str) -> None:
    """Declare a flag for each of these settings, or for all of them."""
    for setting in SETTINGS:
        if not setting.has_flag or (names and setting.name not in names):
            continue
        text = f"{setting.help} ({setting.variable}" + (
            f", {setting.default})" if setting.default else ")"
        )
        if setting.off_flag:
            parser.add_argument(
                setting.off_flag, dest=setting.name, action="store_const", const="no", help=text
            )
        else:
            parser.add_argument(setting.flag, help=text)


def settings_from(arguments: argparse.Namespace) -> Settings:
    """Read the settings: flags, then the environment, then `runhook.toml` in this folder.

    What goes wrong from here on is logged beside what the command prints, not in it.
    """
    settings, _ = settings_with_origins(arguments)
    return settings


def settings_to_serve(arguments: argparse.Namespace) -> Settings:
    """Read the settings of a process that serves; from here on it logs, what looks wrong too."""
    settings = settings_from(arguments)
    configure_logging("info", as_json=not sys.stderr.isatty())
    for remark in remarks(os.environ):
        structlog.get_logger().warning(remark)
    return settings


def settings_with_origins(
    arguments: argparse.Namespace,
) -> tuple[Settings, Mapping[str, Origin]]:
    """Read the settings as ``settings_from`` does, and where each came from."""
    configure_logging("warning", as_json=not sys.stderr.isatty())
    return load(vars(arguments), os.environ, Path.cwd())


def public_base(settings: Settings) -> str:
    """URL under which people reach the service that runs with these settings."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"{settings.scheme}://{host}:{settings.port}"
