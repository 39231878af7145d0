"""What is done with deliveries: owed, prepared, attempted, canceled, redelivered."""
