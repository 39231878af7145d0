"""Signing in by OpenID Connect: the provider, its keys, and the way there and back."""
