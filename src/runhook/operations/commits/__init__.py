"""Transactions that many callers share, or that are repeated."""
