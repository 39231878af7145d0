"""`runhook.run`: a run that Python code reports."""
