"""What the commands of the service share: reading the settings."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from runhook.cli.variables import remarks
from runhook.domain.errors import InvalidError
from runhook.settings import SETTINGS, Origin, Settings, load
from runhook.telemetry.choices import LogLevel
from runhook.telemetry.events import VARIABLE_IGNORED
from runhook.telemetry.logs import configure_logging


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
    configure_logging(settings.log_level, as_json=settings.log_format.is_json)
    for remark in remarks(os.environ):
        VARIABLE_IGNORED.say(reason=remark)
    return settings


def settings_with_origins(
    arguments: argparse.Namespace,
) -> tuple[Settings, Mapping[str, Origin]]:
    """Read the settings as ``settings_from`` does, and where each came from."""
    settings, origins = load(vars(arguments), os.environ, current_folder())
    # A command answers by what it prints; the log has what it should not be silent about.
    least = LogLevel.ERROR if settings.log_level is LogLevel.ERROR else LogLevel.WARNING
    configure_logging(least, as_json=settings.log_format.is_json)
    return settings, origins


def current_folder() -> Path:
    """The folder that this was started in.

    Raises:
        InvalidError: it was removed.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise InvalidError("This folder was removed; start it in another one.") from None


def public_base(settings: Settings) -> str:
    """URL under which people reach the service that runs with these settings."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"{settings.scheme}://{host}:{settings.port}"
