"""Webhooks: what one is, its options, which events it gets, and when its endpoint fails."""
