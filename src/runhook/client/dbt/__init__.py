"""dbt from outside: how it is called, where it writes, and what it has written."""
