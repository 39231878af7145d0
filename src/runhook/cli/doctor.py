"""`runhook doctor`: what would be reported from here and why, and whether it could be."""

import argparse
import json
import os
from dataclasses import asdict

from runhook.cli.reporting import add_run_flags, add_service_flags, command_in
from runhook.cli.variables import remarks
from runhook.client.doctor import Findings, examine
from runhook.client.settings import read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.usage = "runhook doctor [options] [-- dbt build]"
    add_run_flags(parser)
    add_service_flags(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "argv",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND",
        help="the command to check (else dbt)",
    )
    parser.epilog = "Reports nothing, changes nothing, and prints no secrets."


def execute(arguments: argparse.Namespace) -> int:
    """Print what was found, and return 0; 1 if something stands in the way of a report."""
    settings = read_settings(arguments, os.environ)
    command = command_in(arguments) or ["dbt"]
    findings = examine(settings, os.environ, command, remarks(os.environ))
    print(findings_as_json(findings) if arguments.json else findings_as_text(findings))
    return 0 if findings.are_fine else 1


def findings_as_json(findings: Findings) -> str:
    """Findings as JSON."""
    return json.dumps(
        {
            "fine": findings.are_fine,
            "facts": {name: asdict(fact) for name, fact in findings.facts.items()},
            "checks": [
                {"name": one.name, "fine": one.is_fine, "message": one.message}
                for one in findings.checks
            ],
        },
        indent=2,
    )


def findings_as_text(findings: Findings) -> str:
    """Findings as text for people."""
    width = max(map(len, findings.facts))
    facts = (
        f"  {name:<{width}}  {fact.value}  [{fact.source}]" for name, fact in findings.facts.items()
    )
    looked_at = (
        f"  {'ok' if check.is_fine else 'NO':<2}  {check.name:<7}  {check.message}"
        for check in findings.checks
    )
    text = "\n".join(["A run from here would report:", *facts, "", "Checks:", *looked_at])
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)
