"""`runhook start` and `runhook finish`: a run without a process of ours."""
