"""What is done with webhooks: created, changed, tried out, deleted."""
