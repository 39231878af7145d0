"""Statements on runs, jobs, their expectations and files."""
