"""What dbt writes: artifacts, manifests and results, read with suspicion."""
