"""How long tests wait for what should happen at once, on a machine that others use too."""

PATIENCE = 60
"""Seconds until a test gives up; nothing that a test asserts depends on it."""
