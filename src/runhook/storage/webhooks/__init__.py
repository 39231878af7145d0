"""Statements on webhooks, their topics, statistics and standings."""
