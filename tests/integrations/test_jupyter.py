"""The guide's cells, run in a Jupyter kernel by nbclient, with dbt beside it."""

import json

import pytest

from tests.docs.documents import REPOSITORY, block_with
from tests.integrations.project import a_small_project
from tests.support.station import LONG

GUIDE = (REPOSITORY / "docs" / "guides" / "python.md").read_text()
RUN_CELLS = """
import json, sys
import nbformat
from nbclient import NotebookClient

timeout, *texts = json.loads(sys.argv[1])
cells = [nbformat.v4.new_code_cell(text) for text in texts]
NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=timeout).execute()
"""


@pytest.fixture
def place(place_with):
    found = place_with("jupyter")
    a_small_project(found.folder, found.project)
    path = f"{REPOSITORY}/.venv-jupyter/bin:{found.environ['PATH']}"
    return found.with_variables(PATH=path, DBT_SEND_ANONYMOUS_USAGE_STATS="0")


@pytest.mark.parametrize(
    ("cells", "counts"),
    [
        (["for month"], {"success": 6, "pass": 2}),
        (["def sh(", "runhook step", "runhook finish"], {"success": 3, "pass": 1}),
        (["dbtRunner"], {"success": 3, "pass": 1}),
    ],
    ids=["a block of steps", "cells of a shell", "dbt in the kernel"],
)
def test_cells_tell_of_a_run_with_its_nodes(place, station, cells, counts):
    own = {f'project="{name}"': f'project="{place.project}"' for name in ("shop_by_month", "shop")}
    texts = [place.filled_in(block_with(GUIDE, "python", words), own) for words in cells]

    run = place.run("python", "-c", RUN_CELLS, json.dumps([LONG, *texts]))

    assert run.returncode == 0, run.stderr
    completed = station.events_of(place.project)[-1]
    assert (completed.job, completed.reason, completed.status) == ("backfill", "by hand", "Success")
    assert station.run(completed.run_id)["results"]["counts"] == counts
