"""`runhook settings`: each setting's value and where it came from."""

import argparse
import os
import sys

from runhook.cli.service import add_setting_flags, current_folder
from runhook.cli.variables import remarks
from runhook.settings import SETTINGS, load, shown_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add_setting_flags(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the settings that `runhook serve` would have here."""
    settings, origins = load(vars(arguments), os.environ, current_folder())
    for remark in remarks(os.environ):
        print(f"runhook settings: {remark}", file=sys.stderr)
    width = max(len(setting.variable) for setting in SETTINGS)
    for setting in SETTINGS:
        origin = origins[setting.name]
        text = shown_text(setting, origin)
        print(f"{setting.variable:<{width}}  {text}  [{origin.place}]")
    for scheme, proxy in settings.proxies.by_scheme.items():
        print(f"{scheme.upper() + '_PROXY':<{width}}  {proxy.url}  [environment]")
    return 0
