"""For those who operate the service: health checks and metrics."""
