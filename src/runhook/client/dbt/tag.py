"""The mark by which a step's artifacts are known."""

TAG = "RUNHOOK_STEP"
"""dbt copies DBT_ENV_CUSTOM_ENV_<name> to ``metadata.env`` of its artifacts, both Core and v2.

An artifact is this step's if and only if it carries this step's tag. A newer file may be another
run's, and after a usage error the file of the run before is still there.
"""
TAG_VARIABLE = f"DBT_ENV_CUSTOM_ENV_{TAG}"
