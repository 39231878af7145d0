"""Clients' connections: how many, how long, and what of HTTP/1.1 is taken on them."""
