"""What is known of a run before dbt has said anything."""

from pathlib import Path

import pytest

from runhook.client.dbt.surroundings import Surroundings

PROJECT = "dbt_project.yml"


def around(folder: Path, *words: str, **variables: str) -> Surroundings:
    return Surroundings(["dbt", *words] if words else ["dbt", "build"], variables, folder)


@pytest.mark.parametrize(
    "line",
    [
        "name: shop",
        "name: 'shop'",
        'name: "shop"   # ours',
        "name:   shop # ours",
        "name : shop",
    ],
)
def test_finds_the_projects_name(tmp_path: Path, line: str):
    (tmp_path / PROJECT).write_text(
        f"# name: wrong\nmodels:\n  name: wrong\n{line}\nversion: '1'\n"
    )

    assert around(tmp_path).project_name() == "shop"


@pytest.mark.parametrize("text", ["", "name:", "name: \"{{ env_var('NAME') }}\"", "\xff\x00"])
def test_a_project_without_a_readable_name_is_the_default_one(tmp_path: Path, text: str):
    (tmp_path / PROJECT).write_text(text, encoding="latin-1")

    assert around(tmp_path).project_name() == "default"


def test_finds_the_project_above_the_working_directory(tmp_path: Path):
    (tmp_path / PROJECT).write_text("name: shop\n")
    below = tmp_path / "models" / "staging"
    below.mkdir(parents=True)

    assert around(below).project_name() == "shop"
    assert around(below).target_folder() == tmp_path / "target"


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["build", "--project-dir", "elsewhere"], {}),
        (["build", "--project-dir=elsewhere"], {}),
        (["build", "--project-dir=first", "--project-dir", "elsewhere"], {}),
        (["build"], {"DBT_PROJECT_DIR": "elsewhere"}),
        (["build"], {"DBT_ENGINE_PROJECT_DIR": "elsewhere"}),
        (["build", "--project-dir", "elsewhere"], {"DBT_PROJECT_DIR": "wrong"}),
    ],
)
def test_follows_the_project_folder_that_was_named(
    tmp_path: Path, words: list[str], variables: dict[str, str]
):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / PROJECT).write_text("name: shop\n")

    assert around(tmp_path, *words, **variables).project_name() == "shop"


@pytest.mark.parametrize(
    ("words", "variables", "name"),
    [
        (["build", "--target", "prod"], {}, "prod"),
        (["build", "--target=prod"], {}, "prod"),
        (["build", "-t", "prod"], {}, "prod"),
        (["build", "-tprod"], {}, "prod"),
        (["build", "-t=prod"], {}, "prod"),
        (["build", "--target=prod", "--profile", "shop"], {}, "prod"),
        (["build", "-t", "dev", "--target", "prod"], {"DBT_TARGET": "wrong"}, "prod"),
        (["build"], {"DBT_TARGET": "prod"}, "prod"),
        (["build"], {"DBT_TARGET": ""}, "default"),
        (["build", "--target"], {}, "default"),
        (["build"], {}, "default"),
    ],
)
def test_the_environment_is_dbts_target(
    tmp_path: Path, words: list[str], variables: dict[str, str], name: str
):
    assert around(tmp_path, *words, **variables).environment_name() == name


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["uv", "run", "dbt", "build", "-t", "prod"], "prod"),
        (["/opt/dbt/bin/dbt", "build", "-t", "prod"], "prod"),
        (["docker", "run", "-t", "image", "dbt", "build"], "default"),
        (["make", "-t", "nightly"], "default"),
        (["sh", "-c", "dbt build --target prod"], "prod"),
        (["bash", "-lc", "set -e\ndbt deps\ncd shop && dbt build -tprod; echo 'done'"], "prod"),
        (["bash", "-c", "bash -c 'dbt build --target prod'"], "prod"),
        (["sh", "-c", "DBT_TARGET=prod dbt build"], "prod"),
        (["sh", "-c", "dbt build --target prod && echo \"it's"], "prod"),
        (["docker", "run", "-t", "-v", "/a:/b", "registry/dbt:1.9", "build", "-t", "prod"], "prod"),
        (["docker", "run", "-e", "DBT_TARGET=prod", "image", "run"], "prod"),
        (["docker", "compose", "run", "dbt", "build", "--target", "prod"], "prod"),
        (["uvx", "--from", "dbt-core", "dbt", "build", "--target", "prod"], "prod"),
        (["poetry", "run", "dbt", "build", "--target=prod"], "prod"),
        (["python", "-m", "dbt", "build", "--target", "prod"], "prod"),
        (["python3", "-m", "dbt.cli.main", "build", "--target", "prod"], "prod"),
        (["env", "-i", "DBT_TARGET=prod", "dbt", "build"], "prod"),
        (["timeout", "60", "sh", "-c", "exec dbt build -t prod"], "prod"),
    ],
)
def test_only_dbts_own_flags_count(tmp_path: Path, command: list[str], name: str):
    assert Surroundings(command, {}, tmp_path).environment_name() == name


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", "cd shop && dbt build"],
        ["sh", "-c", "(cd ./shop; dbt build)"],
        ["env", "-C", "shop", "dbt", "build"],
        ["uv", "--directory", "shop", "run", "dbt", "build"],
        ["dbt", "build", "--project-dir", "shop"],
        ["./nightly"],
    ],
)
def test_finds_the_project_that_a_command_goes_to(tmp_path: Path, command: list[str]):
    (tmp_path / "shop" / "dbt_packages" / "utils").mkdir(parents=True)
    (tmp_path / "shop" / PROJECT).write_text("name: shop_of_ours\n")
    (tmp_path / "shop" / "dbt_packages" / "utils" / PROJECT).write_text("name: utils\n")

    assert Surroundings(command, {}, tmp_path).project_name() == "shop_of_ours"


def test_of_several_projects_below_none_is_guessed(tmp_path: Path):
    for name in ("shop", "stock"):
        (tmp_path / name).mkdir()
        (tmp_path / name / PROJECT).write_text(f"name: {name}\n")

    assert Surroundings(["./nightly"], {}, tmp_path).project_name() == "default"


def test_a_byte_order_mark_before_a_file_is_none_of_it(tmp_path: Path):
    (tmp_path / PROJECT).write_text("name: shop\ntarget-path: out\n", encoding="utf-8-sig")
    (tmp_path / ".env").write_text("DBT_TARGET=prod\n", encoding="utf-8-sig")

    assert around(tmp_path).project_name() == "shop"
    assert around(tmp_path).environment_name() == "prod"


def test_reads_dbts_env_file_which_does_not_win_over_real_variables(tmp_path: Path):
    (tmp_path / ".env").write_text(
        '# DBT_TARGET=no\nexport DBT_TARGET="prod"\nDBT_TARGET_PATH=out\n'
    )

    assert around(tmp_path).environment_name() == "prod"
    assert around(tmp_path, DBT_TARGET="dev").environment_name() == "dev"
    assert around(tmp_path).target_folder() == tmp_path / "out"


@pytest.mark.parametrize(
    ("words", "variables", "folder"),
    [
        (["build"], {}, "configured"),
        (["build"], {"DBT_TARGET_PATH": "out"}, "out"),
        (["build", "--target-path", "/flag"], {"DBT_TARGET_PATH": "out"}, "/flag"),
    ],
)
def test_follows_the_target_path(
    tmp_path: Path, words: list[str], variables: dict[str, str], folder: str
):
    (tmp_path / PROJECT).write_text("name: shop\ntarget-path: configured\n")

    assert around(tmp_path, *words, **variables).target_folder() == tmp_path / folder


@pytest.mark.parametrize(
    ("distribution", "version"),
    [("dbt_core-1.11.16", "1.11.16"), ("dbt-2.0.9", "2.0.9"), ("dbt_extractor-0.6.0", "")],
)
def test_finds_the_version_installed_beside_the_program(
    tmp_path: Path, distribution: str, version: str
):
    packages = tmp_path / "lib" / "python3.12" / "site-packages"
    (packages / f"{distribution}.dist-info").mkdir(parents=True)
    program = tmp_path / "bin" / "dbt"
    program.parent.mkdir()
    program.touch(mode=0o755)

    assert around(tmp_path, PATH=str(program.parent)).dbt_version() == version
    assert Surroundings(["make"], {"PATH": str(program.parent)}, tmp_path).dbt_version() == ""
    assert around(tmp_path, PATH="/nowhere").dbt_version() == ""
