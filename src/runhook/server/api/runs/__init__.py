"""Runs, jobs, scopes and artifacts: as reporters send them and as dbt Cloud's API shows them."""
