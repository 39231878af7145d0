"""`runhook settings`: each setting's value and where it came from."""

import argparse
import os
from pathlib import Path

from runhook.cli.service import add_setting_flags
from runhook.settings import SETTINGS, Hidden, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add_setting_flags(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the settings that `runhook serve` would have here."""
    settings, origins = load(vars(arguments), os.environ, Path.cwd())
    width = max(len(setting.variable) for setting in SETTINGS)
    for setting in SETTINGS:
        origin = origins[setting.name]
        is_hidden = isinstance(getattr(settings, setting.name), Hidden)
        text = "(hidden)" if is_hidden else origin.text if origin.text is not None else "(unset)"
        print(f"{setting.variable:<{width}}  {text}  [{origin.place}]")
    return 0
