"""The page of how delivering goes."""
