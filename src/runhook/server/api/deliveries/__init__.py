"""Deliveries with their attempts, and redelivering in bulk."""
