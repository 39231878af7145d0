"""What is done with runs and jobs: reported, uploaded, expected, given up, deleted."""
