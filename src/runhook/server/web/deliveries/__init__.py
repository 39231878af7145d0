"""The pages of deliveries and redeliveries."""
