"""The pages: rendered here, whole without any script, and changed by forms only."""
