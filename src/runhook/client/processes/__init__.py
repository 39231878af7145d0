"""Processes of this machine, and the programs they run."""
