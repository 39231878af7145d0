"""Every fenced block of the pages, and the test that runs it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.docs.documents import DOCUMENTS, FENCED, REPOSITORY, name_of

PAGES = sorted(
    [
        *(page for page in DOCUMENTS if "decisions" not in page.parts),
        *(REPOSITORY / "examples").rglob("*.md"),
    ]
)
GENERATED = re.compile(r"<!-- generated: .*?<!-- end -->", re.DOTALL)
"""Parts that `tests/docs/test_generated_parts.py` writes."""
SHOWN_ONLY = {"text", "mermaid"}
"""Languages of what is no snippet: output, and diagrams, which the site draws."""
ALL = ""

AIRFLOW = "tests/integrations/test_airflow.py"
COMMANDS = "tests/docs/test_commands.py"
CONSUMING = "tests/docs/test_consuming.py"
COSMOS = "tests/integrations/test_cosmos.py"
DAGSTER = "tests/integrations/test_dagster.py"
DEPLOYING = "tests/docs/test_deploying.py"
FACTS = "tests/docs/test_facts.py"
GUIDES = "tests/docs/test_guides.py"
INSTALLING = "tests/docs/test_installing.py"
JUPYTER = "tests/integrations/test_jupyter.py"
MOVING = "tests/docs/test_moving.py"
OPERATING = "tests/docs/test_operating.py"
PREFECT = "tests/integrations/test_prefect.py"
QUESTIONS = "tests/docs/test_questions.py"
REPORTING = "tests/docs/test_reporting.py"
RUNNING = "tests/wrapping/test_running.py"
TUTORIAL = "tests/docs/test_tutorial.py"
USERS = "tests/serving/test_users.py"
VERIFYING = "tests/docs/test_verifying.py"
WALK_THROUGH = "tests/docs/test_walk_through.py"
WHEELS = "tests/integrations/test_installing.py"

RUN_BY: Mapping[str, Mapping[str, str]] = {
    "CONTRIBUTING.md": {"make ": COMMANDS, ".venv/bin/pytest": COMMANDS},
    "README.md": {
        "make demo": COMMANDS,
        "venv runhook-env": INSTALLING,
        "runhook serve": WALK_THROUGH,
        "runhook tokens create --name me": WALK_THROUGH,
        "runhook listen": WALK_THROUGH,
        "runhook run --job nightly -- echo": WALK_THROUGH,
        "/events": WALK_THROUGH,
        "https://runhook.example.com": REPORTING,
    },
    "STYLE.md": {ALL: FACTS},
    "docs/api.md": {
        '"authorization"': OPERATING,
        "redeliveries/preview": OPERATING,
        "@endpoint.txt": OPERATING,
        '"node_filter"': OPERATING,
        '"mention"': OPERATING,
        '"every": "1 day"': OPERATING,
        "dbt-cloud": GUIDES,
        "DBT_CLOUD_TOKEN": GUIDES,
    },
    "docs/deploying.md": {
        "make ": COMMANDS,
        "sqlite.yaml": DEPLOYING,
        "secrets/master_key": DEPLOYING,
        "helm install": DEPLOYING,
        "systemctl": DEPLOYING,
        "db1,db2": OPERATING,
        "scrape_configs": DEPLOYING,
    },
    "docs/formats/email.md": {"RUNHOOK_SMTP_URL": OPERATING, "--format email": OPERATING},
    "docs/formats/github_status.md": {"DBT_CLOUD_GIT_SHA": REPORTING},
    "docs/formats/template.md": {ALL: "tests/formats/test_recipes.py"},
    "docs/guides/airflow.md": {"append_env": AIRFLOW, "on_success_callback": AIRFLOW},
    "docs/guides/cosmos.md": {"DbtTaskGroup": COSMOS, "#!/bin/sh": COSMOS},
    "docs/guides/cron.md": {
        "/var/log/": GUIDES,
        "#!/bin/sh": GUIDES,
        "rh_...": GUIDES,
        "ExecStart": GUIDES,
    },
    "docs/guides/dagster.md": {
        "subprocess": DAGSTER,
        "shop_models": DAGSTER,
        "#!/bin/sh": DAGSTER,
        "shop_in_steps": DAGSTER,
    },
    "docs/guides/dbt-upload.md": {"dbt-cloud": GUIDES, "DBT_CLOUD_TOKEN": GUIDES},
    "docs/guides/from-dbt-cloud.md": {
        "runhook serve": MOVING,
        "export RUNHOOK_TOKEN=$(": MOVING,
        "--permission read_only": MOVING,
        "consumer.example.com": MOVING,
        "Production run": MOVING,
        "/api/v2/accounts/1/jobs/": MOVING,
        "webhooks test": MOVING,
        '"Slack"': MOVING,
        "ddsource": MOVING,
        '"Datadog"': MOVING,
        "refresh-workbook": MOVING,
        "job_parameters": MOVING,
        '"Databricks"': MOVING,
    },
    "docs/guides/github-actions.md": {"setup-python": GUIDES, "runhook start": GUIDES},
    "docs/guides/gitlab-ci.md": {"--step 'dbt deps'": GUIDES, "runhook start": GUIDES},
    "docs/guides/kubernetes.md": {"CronJob": GUIDES, "exec": GUIDES},
    "docs/guides/prefect.md": {
        "subprocess": PREFECT,
        "PrefectDbtRunner": PREFECT,
        "DbtCoreOperation": PREFECT,
    },
    "docs/guides/python.md": {
        "for month": GUIDES,
        "def sh(": GUIDES,
        "runhook step": GUIDES,
        "runhook finish": GUIDES,
        "dbtRunner": JUPYTER,
    },
    "docs/how-to-add.md": {".venv/bin/pytest": COMMANDS},
    "docs/installing.md": {
        "pip wheel": WHEELS,
        "COPY wheels/": INSTALLING,
        "venv runhook-env": OPERATING,
    },
    "docs/operations.md": {
        "--no-dispatcher": OPERATING,
        "RUNHOOK_TLS_CERT": OPERATING,
        "RUNHOOK_TRUSTED_PROXIES": OPERATING,
        '"event"': OPERATING,
        "OTEL_EXPORTER_OTLP_ENDPOINT": OPERATING,
        "RUNHOOK_METRICS_PORT": OPERATING,
        "target_session_attrs": OPERATING,
        "runhook copy": OPERATING,
        "runhook backup": OPERATING,
        "runhook restore": OPERATING,
        "litestream replicate": DEPLOYING,
    },
    "docs/performance.md": {"make ": COMMANDS},
    **{
        f"docs/questions/{page}.md": {ALL: QUESTIONS}
        for page in (
            *("another-host", "container", "lost-password", "lost-secret", "lost-token"),
            *("master-key", "nothing-arrives", "other-keys", "paused", "refused-address"),
            *("run-missing", "send-again", "signature", "too-many", "twice"),
        )
    },
    "docs/receiving.md": {
        "runhook.verify": VERIFYING,
        "standardwebhooks": VERIFYING,
        "hashlib": VERIFYING,
        "--forward": CONSUMING,
        "runhook trigger": CONSUMING,
        '"consume:mine"': CONSUMING,
        "events?wait=20": CONSUMING,
        "consumers/mine/acknowledge": CONSUMING,
    },
    "docs/reporting.md": {
        "--environment prod": REPORTING,
        "--name scheduler": OPERATING,
        "--step 'dbt seed'": REPORTING,
        "./nightly.sh": REPORTING,
        "--allow-cancel": REPORTING,
        'RUNHOOK_RUN="$(runhook start --job nightly)"': REPORTING,
        "runhook finish --exit-code $?": REPORTING,
        "--trap": REPORTING,
        "--give-up-after": REPORTING,
        "load_orders()": RUNNING,
        "subprocess.run": RUNNING,
        "dbtRunner": RUNNING,
        "runhook import": REPORTING,
        "runhook doctor": OPERATING,
    },
    "docs/settings.md": {
        "runhook settings": OPERATING,
        "retention_days": FACTS,
        "runhook keys rotate": OPERATING,
    },
    "docs/sign-in.md": {
        "RUNHOOK_OIDC_ISSUER": OPERATING,
        "RUNHOOK_TRUSTED_USER_HEADER": OPERATING,
        "reset-second-factor": USERS,
    },
    "docs/tutorial.md": {ALL: TUTORIAL},
    "docs/upgrading.md": {"runhook migrate": OPERATING},
    "examples/shop/README.md": {"with it;": REPORTING},
}
"""By page, words that one of its blocks has (or all have), and the test that finds it by them."""


@dataclass(frozen=True)
class Snippet:
    """A block that a reader may type or copy."""

    page: str
    text: str

    @property
    def run_by(self) -> list[str]:
        """The tests that run it."""
        return [test for words, test in RUN_BY.get(self.page, {}).items() if words in self.text]


def every_snippet() -> Iterator[Snippet]:
    """Yield what the pages show, but for what is generated and what is no snippet."""
    for page in PAGES:
        for _, language, text in FENCED.findall(GENERATED.sub("", page.read_text())):
            if language not in SHOWN_ONLY:
                yield Snippet(name_of(page), text)
