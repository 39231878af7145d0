"""One run as every entry reports it: steps, verdict, files."""
