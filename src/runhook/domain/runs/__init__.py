"""Runs of dbt jobs: states, steps, events, expectations, and the scopes that they belong to."""
