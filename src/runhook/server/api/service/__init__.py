"""How delivering goes."""
