"""Webhooks, at dbt Cloud's paths."""
