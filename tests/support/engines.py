"""Both dbt engines, and a small project that takes any road a run can take."""

import hashlib
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
V2_ENVIRONMENT = REPOSITORY / ".venv-dbt-v2"
V2_PINS = REPOSITORY / "requirements" / "dbt-v2.txt"
DRIVER = "@duckdb/node-bindings-linux-x64@1.5.6-r.1"
"""dbt v2 fetches its driver when it first needs it; this package has the same library in it."""
DRIVER_SHA256 = "1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff"
PREPARING_SECONDS = 600


@dataclass(frozen=True)
class Engine:
    """A dbt that can be run."""

    name: str
    programs: Path
    variables: Mapping[str, str] = field(default_factory=dict)


CORE = Engine("core", REPOSITORY / ".venv-dbt" / "bin")


def prepare_v2() -> Engine:
    """Dbt v2 in an environment of its own, made if need be.

    Raises:
        OSError, subprocess.SubprocessError, ValueError: it cannot be had here.
    """
    driver = V2_ENVIRONMENT / "driver"
    if not (driver / "duckdb.toml").exists():
        install([sys.executable, "-m", "venv", "--clear", V2_ENVIRONMENT])
        pip = [V2_ENVIRONMENT / "bin" / "pip", "-qq", "--disable-pip-version-check", "--no-input"]
        install([*pip, "install", "--require-hashes", "-r", V2_PINS])
        driver.mkdir()
        install(["npm", "pack", "--silent", "--pack-destination", driver, DRIVER])
        unpack_driver(driver)
    return Engine("v2", V2_ENVIRONMENT / "bin", {"ADBC_DRIVER_PATH": str(driver)})


def install(command: list[str | Path]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=PREPARING_SECONDS)


def unpack_driver(folder: Path) -> None:
    """Take the library out of its package, and say where it is.

    Raises:
        ValueError: it is another package than the one we know.
    """
    (package,) = folder.glob("*.tgz")
    if hashlib.sha256(package.read_bytes()).hexdigest() != DRIVER_SHA256:
        raise ValueError(f"{package.name} is not the package that is pinned")
    with tarfile.open(package) as archive:
        library = archive.extractfile("package/libduckdb.so")
        assert library is not None
        (folder / "libduckdb.so").write_bytes(library.read())
    package.unlink()
    (folder / "duckdb.toml").write_text(
        f"""manifest_version = 1
name = "DuckDB"
version = "1.5.6"

[ADBC]
version = "1.1.0"

[Driver]
entrypoint = "duckdb_adbc_init"

[Driver.shared]
linux_amd64 = "{folder / "libduckdb.so"}"
"""
    )


PROJECT = {
    "dbt_project.yml": """
name: soak
profile: soak
config-version: 2
flags:
  send_anonymous_usage_stats: false
vars:
  model_error: false
  compile_error: false
  test_fails: false
  test_warns: false
  rows: 1
""",
    "profiles.yml": """
soak:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('SOAK_DATABASE', 'soak.duckdb') }}"
      threads: 1
      settings:
        threads: 1
""",
    "models/first.sql": "select 1 as id",
    "models/second.sql": """
{% if var('compile_error') %} select * from {{ ref('nowhere') }} {% else %}
select {{ 'no_such_column' if var('model_error') else 'id' }} as id from {{ ref('first') }}
{% endif %}
""",
    # The hook's file tells that the query has begun, for signals to come in time.
    "models/slow.sql": """
{{ config(materialized='table', pre_hook="copy (select 1) to 'begun.csv'") }}
select count(*) as matches
from range({{ var('rows') }}) as a (a), range({{ var('rows') }}) as b (b), {{ ref('second') }}
where hash(a * b) % 7 = 1
""",
    "tests/failing.sql": """
select id from {{ ref('first') }} where {{ 'true' if var('test_fails') else 'false' }}
""",
    "tests/warning.sql": """
{{ config(severity='warn') }}
select id from {{ ref('first') }} where {{ 'true' if var('test_warns') else 'false' }}
""",
}


def write_project(folder: Path) -> None:
    """Put the project into a folder."""
    for name, text in PROJECT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))
