"""Statements on accounts, users, tokens, sessions, invitations and the audit log."""
