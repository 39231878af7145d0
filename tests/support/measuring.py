"""How coverage reaches programs that tests start with an environment of their own."""

import os

MEASURED = {
    name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS_")
}
"""What coverage asks processes to inherit; empty unless `make coverage` runs the tests."""
