"""One run as it is told, whoever tells it: steps, verdict, files."""
