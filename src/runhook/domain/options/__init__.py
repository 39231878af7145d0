"""How an option of a webhook is declared, and the kinds of its values."""
