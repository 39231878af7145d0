"""How many processors there are for work that takes long, and needs no turn of the event loop."""

import os

HALF_OF_PROCESSORS = max(1, (os.cpu_count() or 1) // 2)
"""As many threads work at once on passwords at the most, and on files: the event loop and the
database's threads have the others."""
