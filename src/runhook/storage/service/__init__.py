"""Statements and files of the processes that share a database: duties, clocks, keys."""
