"""Accounts, users, sessions, tokens and the audit log."""
