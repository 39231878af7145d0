"""A dbt project in which what fails belongs to three owners, for Core 1.8 and later and for v2."""

from pathlib import Path

OWNED_PROJECT = {
    "dbt_project.yml": """
name: owned
profile: owned
config-version: 2
flags:
  send_anonymous_usage_stats: false
models:
  owned:
    +tags: [nightly]
""",
    "profiles.yml": """
owned:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('OWNED_DATABASE', 'owned.duckdb') }}"
      threads: 1
""",
    "models/sales/orders.sql": "select 1 as id union all select null",
    "models/finance/payments.sql": "select no_such_column from (select 1 as id)",
    "models/customers.sql": "select 1 as id union all select 1",
    "models/visits.sql": "select * from {{ ref('customers') }}",
    "models/schema.yml": """
version: 2
groups:
  - name: sales
    owner:
      name: Sales team
      email: sales@example.com
      slack: "#sales"
  - name: finance
    owner:
      email: finance@example.com
models:
  - name: orders
    config:
      group: sales
      tags: [core]
    columns:
      - name: id
        data_tests: [not_null]
  - name: payments
    config:
      group: finance
  - name: customers
    config:
      meta:
        owner: Ann
    columns:
      - name: id
        data_tests:
          - unique:
              config:
                severity: warn
exposures:
  - name: revenue
    type: dashboard
    owner: {name: Board, email: board@example.com}
    depends_on: [ref('payments')]
  - name: traffic
    type: dashboard
    owner: {email: web@example.com}
    depends_on: [ref('visits')]
""",
}


def write_owned_project(folder: Path) -> None:
    """Put the project into a folder."""
    for name, text in OWNED_PROJECT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))
