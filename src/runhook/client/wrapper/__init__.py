"""`runhook run` and `runhook step`: a command, its processes and signals, what is seen of it."""
