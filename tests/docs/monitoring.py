"""What the rules and the dashboard of `deploy/monitoring` look at."""

import json
from collections.abc import Sequence
from typing import Any

import yaml

from tests.docs.documents import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "monitoring"
RULES = FOLDER / "rules.yaml"
DASHBOARD = FOLDER / "dashboard.json"


def rules() -> Sequence[dict[str, Any]]:
    """The alerts."""
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


def panel_queries() -> Sequence[str]:
    """Queries of the dashboard's panels, with the range that Grafana would fill in."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [
        target["expr"].replace("$__rate_interval", "5m").replace("$job", "runhook")
        for panel in panels
        for target in panel.get("targets", [])
    ]
