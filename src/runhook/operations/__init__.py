"""What Runhook does: one verb a module, one transaction a verb."""
