"""The HTTP that Runhook offers."""
