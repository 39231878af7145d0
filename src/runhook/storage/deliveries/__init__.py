"""Statements on deliveries: the queue, the log, and redeliveries."""
