"""Deliveries: their states, verdicts on attempts, retries, budgets and redeliveries."""
