"""One HTTP request to an endpoint, and what came of it as a value."""
