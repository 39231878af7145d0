"""Files of deploy and .github, each loaded by the program that it is for."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.docs.documents import REPOSITORY
from tests.docs.monitoring import panel_queries
from tests.support.certificates import Authority
from tests.support.patience import PATIENCE

DEPLOY = REPOSITORY / "deploy"
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


def run(*command: str | Path, **variables: str) -> str:
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_rules_fire_when_they_should():
    run("promtool", "check", "rules", DEPLOY / "monitoring" / "rules.yaml")
    run("promtool", "test", "rules", DEPLOY / "monitoring" / "rules-test.yaml")


def test_every_query_of_the_dashboard_is_one(tmp_path):
    rules = [{"record": f"panel:{n}", "expr": one} for n, one in enumerate(panel_queries())]
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "a", "rules": rules}]})
    )

    run("promtool", "check", "rules", tmp_path / "rules.yaml")


@pytest.mark.parametrize("file", ["proxies/Caddyfile", "compose/Caddyfile"])
def test_caddy_takes_its_files(tmp_path, file):
    own = {"RUNHOOK_HOST_NAME": "runhook.example.com", "HOME": str(tmp_path)}

    run("caddy", "validate", "--adapter", "caddyfile", "--config", DEPLOY / file, **own)
    run("caddy", "fmt", "--diff", DEPLOY / file, **own)


def test_nginx_takes_the_site(tmp_path):
    certificate, key = Authority(tmp_path).client()
    (tmp_path / "fullchain.pem").write_text(certificate)
    (tmp_path / "privkey.pem").write_text(key)
    site = (DEPLOY / "proxies" / "nginx.conf").read_text()
    site = site.replace("/etc/ssl/runhook", str(tmp_path))
    # The test may not listen below 1024.
    site = re.sub(r"(listen (?:\[::\]:)?)(80|443)\b", r"\g<1>1\g<2>", site)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off;\n{site}\n}}\n"
    )

    run("nginx", "-t", "-q", "-p", tmp_path, "-c", tmp_path / "nginx.conf")


@pytest.mark.parametrize("file", ["sqlite.yaml", "postgresql.yaml"])
def test_compose_takes_its_files(file):
    services = yaml.safe_load(run("docker-compose", "-f", DEPLOY / "compose" / file, "config"))[
        "services"
    ]

    for service in (one for name, one in services.items() if name.startswith("runhook")):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_systemd_takes_the_units(tmp_path):
    """As they are installed: with an instance's name, and with programs that are there."""
    for unit in [*DEPLOY.glob("systemd/*.service"), *DEPLOY.glob("systemd/*.timer")]:
        text = re.sub(
            r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE
        )
        (tmp_path / unit.name.replace("@", "@1")).write_text(text)

    assert run("systemd-analyze", "verify", *sorted(tmp_path.iterdir())) == ""


@pytest.mark.parametrize("unit", ["runhook.service", "runhook-dispatch@.service"])
def test_the_service_is_exposed_to_little(unit):
    run(
        *("systemd-analyze", "security", "--offline=true", "--threshold=20"),
        DEPLOY / "systemd" / unit,
    )


def test_the_workflows_have_no_error_and_no_weakness():
    run("actionlint", "-no-color", *WORKFLOWS)
    run("zizmor", "--offline", "--no-progress", "--persona", "pedantic", ".github/workflows")
