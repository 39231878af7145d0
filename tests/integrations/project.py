"""A dbt project that is built in a second, with DuckDB."""

import json
from pathlib import Path


def a_small_project(folder: Path, name: str) -> None:
    """Write a seed, a model of it, a model of that, and a test."""
    files = {
        "profiles.yml": {
            "shop": {
                "target": "prod",
                "outputs": {"prod": {"type": "duckdb", "path": str(folder / "shop.duckdb")}},
            }
        },
        "models/models.yml": {
            "models": [{"name": "orders", "columns": [{"name": "id", "data_tests": ["unique"]}]}]
        },
    }
    texts = {
        **{file: json.dumps(content) for file, content in files.items()},
        "dbt_project.yml": f"name: {name}\nprofile: shop\n",
        "seeds/raw_orders.csv": "id,amount\n1,10\n2,20\n",
        "models/orders.sql": "select id, amount from {{ ref('raw_orders') }}\n",
        "models/revenue.sql": "select sum(amount) as amount from {{ ref('orders') }}\n",
    }
    for file, text in texts.items():
        folder.joinpath(file).parent.mkdir(exist_ok=True)
        folder.joinpath(file).write_text(text)
