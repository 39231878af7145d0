"""Whose the nodes are that failed or warned is told with them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.engines import CORE, V2_ENVIRONMENT, Engine
from tests.support.owned import write_owned_project
from tests.wrapping.support import RUNHOOK, StubService, Wrapper, a_service

MIB = 1 << 20
V2 = Engine("v2", V2_ENVIRONMENT / "bin", {"ADBC_DRIVER_PATH": str(V2_ENVIRONMENT / "driver")})
AT_HAND = [CORE, *([V2] if (V2_ENVIRONMENT / "driver" / "duckdb.toml").exists() else [])]
CUSTOMERS = "model.shop.customers"
WRITE_MANIFEST = """
import os, pathlib
content = pathlib.Path("template.json").read_text()
tag = os.environ.get("DBT_ENV_CUSTOM_ENV_RUNHOOK_STEP", "")
pathlib.Path("target/manifest.json").write_text(content.replace("THE_TAG", tag))
"""
DBT_WITH_MANIFEST = ["sh", "-c", f"dbt fail; code=$?; {sys.executable} write.py; exit $code"]


def nodes_told(service: StubService, key: str = "failed") -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = service.body("finish")["results"][key]
    return nodes


def with_manifest(wrapper: Wrapper, content: str) -> Wrapper:
    """Have the stub dbt write this manifest; THE_TAG in it becomes the step's."""
    (wrapper.folder / "template.json").write_text(content)
    (wrapper.folder / "write.py").write_text(WRITE_MANIFEST)
    return wrapper


def a_manifest(tag: str = "THE_TAG", invocation: str = "5f3c", **node: object) -> str:
    metadata = {"invocation_id": invocation, "env": {"RUNHOOK_STEP": tag} if tag else {}}
    customers = {
        "resource_type": "model",
        "package_name": "shop",
        "unique_id": CUSTOMERS,
        "meta": {"owner": "Ann"},
        **node,
    }
    return json.dumps({"metadata": metadata, "nodes": {CUSTOMERS: customers}})


@pytest.mark.parametrize("engine", AT_HAND, ids=lambda engine: engine.name)
def test_a_real_dbt_whose_failures_have_three_owners(tmp_path: Path, engine: Engine):
    write_owned_project(tmp_path)
    with a_service() as service:
        environ = {
            "PATH": f"{engine.programs}:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "RUNHOOK_URL": service.url,
            "RUNHOOK_TOKEN": "a-token",
            "DBT_PROFILES_DIR": str(tmp_path),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
            **engine.variables,
        }
        command = [*RUNHOOK, "run", "--job", "nightly", "--", "dbt", "build"]
        ended = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, check=False)

        assert ended.returncode == 1
        owners = {
            node["unique_id"]: [owner.get("name") or owner["email"] for owner in node["owners"]]
            for key in ("failed", "warned")
            for node in nodes_told(service, key)
        }
        assert owners == {
            "model.owned.payments": ["finance@example.com"],
            "test.owned.not_null_orders_id.84ef11d8fe": ["Sales team"],
            "test.owned.unique_customers_id.70f3d3fd20": ["Ann"],
        }


def test_a_step_that_another_wrapper_reports_tells_of_owners(
    wrapper: Wrapper, service: StubService
):
    with_manifest(wrapper, a_manifest())
    inner = [*RUNHOOK, "step", "--", *DBT_WITH_MANIFEST]

    wrapper.run(*inner)

    assert nodes_told(service)[0]["owners"] == [{"name": "Ann"}]


@pytest.mark.parametrize(
    "manifest",
    [
        a_manifest("another-tag", "another invocation"),
        a_manifest("", "another invocation"),
        "",
        "{",
        a_manifest()[:-40],
        a_manifest().replace('"Ann"', "\x00\x01"),
        "[" * 100_000,
    ],
    ids=["of another step", "of another run", "empty", "begun", "cut off", "no JSON", "deep"],
)
def test_without_a_manifest_of_its_own_a_run_is_told_as_before(
    wrapper: Wrapper, service: StubService, manifest: str
):
    ended = with_manifest(wrapper, manifest).run(*DBT_WITH_MANIFEST)

    assert ended.returncode == 1
    assert [node["unique_id"] for node in nodes_told(service)] == [
        CUSTOMERS,
        "test.shop.orders_id.1a",
    ]
    assert "owners" not in nodes_told(service)[0]


def test_a_dbt_without_our_environment_is_known_by_its_invocation(
    wrapper: Wrapper, service: StubService
):
    script = f'env -i PATH="$PATH" dbt fail; {sys.executable} write.py; exit 1'

    with_manifest(wrapper, a_manifest("")).run("sh", "-c", script)

    assert nodes_told(service)[0]["owners"] == [{"name": "Ann"}]


def test_a_manifest_that_kept_an_earlier_commands_tag_is_known_by_its_invocation(
    wrapper: Wrapper, service: StubService
):
    """dbt's partial parsing keeps the tag of the command that parsed the project first."""
    with_manifest(wrapper, a_manifest("another-tag")).run(*DBT_WITH_MANIFEST)

    assert nodes_told(service)[0]["owners"] == [{"name": "Ann"}]


def test_secrets_in_a_manifest_are_not_told(wrapper: Wrapper, service: StubService):
    secret = "kX9#vQ2!pL"
    manifest = a_manifest(meta={"owner": {"name": "Ann", "pager": secret}}, tags=[secret])

    with_manifest(wrapper, manifest).with_variables(PAGER_TOKEN=secret).run(*DBT_WITH_MANIFEST)

    assert nodes_told(service)[0]["owners"] == [{"name": "Ann", "more": {"pager": "*****"}}]
    assert secret not in json.dumps(service.body("finish"))


def test_an_enormous_manifest_is_left_alone(wrapper: Wrapper, service: StubService):
    with_manifest(wrapper, a_manifest())
    script = (
        f"{DBT_WITH_MANIFEST[2].removesuffix('; exit $code')}; truncate -s 8G target/m* && exit 1"
    )

    wrapper.run("sh", "-c", script)

    assert "owners" not in nodes_told(service)[0]


LOOKING_UP = """
import json, pathlib, sys
from runhook.domain.dbt.manifests import facts_in

def peak():
    # Not ru_maxrss, which begins with that of the process this one was started by.
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])

before = peak()
with open(sys.argv[1], "rb") as file:
    found = facts_in(file, sys.argv[2:], lambda text: text)
print(json.dumps([len(found), (peak() - before) * 1024]))
"""
LARGE = 50 * MIB


def write_large_manifest(path: Path) -> list[str]:
    """Write a manifest of models that each have tests; return what failed in it."""
    code = "select order_id, amount from raw.orders where amount > 0 and not is_test\n" * 40
    node_ids, child_map = [], {}
    with path.open("w") as file:
        file.write('{"metadata": {}, "nodes": {"model.shop.none": {}')
        while file.tell() < LARGE:
            model = f"model.shop.orders_{len(node_ids)}"
            node_ids.append(model)
            child_map[model] = [f"model.shop.orders_{len(node_ids)}", "exposure.shop.board"]
            for unique_id, kind in ((model, "model"), (f"test.shop.{len(node_ids)}.1a", "test")):
                node = {
                    "resource_type": kind,
                    "package_name": "shop",
                    "unique_id": unique_id,
                    "group": "sales",
                    "raw_code": code,
                    "attached_node": model if kind == "test" else None,
                    "columns": {f"c{n}": {"name": f"c{n}", "meta": {}} for n in range(20)},
                }
                file.write(f", {json.dumps(unique_id)}: {json.dumps(node)}")
        exposure = {"name": "board", "unique_id": "exposure.shop.board", "owner": {"name": "Ann"}}
        file.write('}, "exposures": ' + json.dumps({"exposure.shop.board": exposure}))
        file.write(f', "child_map": {json.dumps(child_map)}}}')
    return [f"test.shop.{n}.1a" for n in range(1, 11)] + node_ids[-10:]


def test_a_manifest_of_50_mib_is_never_in_memory(tmp_path: Path):
    path = tmp_path / "manifest.json"
    failed = write_large_manifest(path)

    told = subprocess.run(
        [sys.executable, "-c", LOOKING_UP, str(path), *failed],
        capture_output=True,
        check=True,
    )

    count, grown = json.loads(told.stdout)
    assert count == len(failed)
    assert grown < 30 * MIB
