"""What a machine that runs dbt installs: the wrapper, its reports, and the receiving side.

Standard library and ``runhook.domain`` only, so that nothing here can clash with dbt's pins. What
is not needed before dbt has started is imported after it.
"""
