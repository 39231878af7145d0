"""Property tests here try the same examples on every run: a red one is always the change's."""

from hypothesis import settings

settings.register_profile("domain", max_examples=50, deadline=None, derandomize=True, database=None)
settings.load_profile("domain")
