"""Every decision Runhook takes, as pure functions and frozen values.

Nothing here knows a clock, a network, a database, randomness or a framework: time and chance are
passed in. Only the standard library is imported, because the client, which lives beside dbt,
imports this package too.
"""
