"""One HTTP request to an endpoint, with its outcome as a value."""
