"""Reading a service's events as a consumer, and passing them on to a receiver of one's own."""
