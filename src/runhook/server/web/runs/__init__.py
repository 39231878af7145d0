"""The pages of runs, jobs and scopes."""
