"""Requests and responses: bodies, headers, errors, origins, transfers."""
