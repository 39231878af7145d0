"""What the processes do for the service: keep time, take duties, prune, rotate keys."""
