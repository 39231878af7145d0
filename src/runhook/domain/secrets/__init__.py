"""Which names and places hold secrets, and how they are kept out of what leaves this machine."""
