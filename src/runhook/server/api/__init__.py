"""dbt Cloud's webhook API, and the one that runs are reported to."""
