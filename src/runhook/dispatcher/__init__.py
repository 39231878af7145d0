"""The loops that work in the background; each is one noun with one ``tick``."""
