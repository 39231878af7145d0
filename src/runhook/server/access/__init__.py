"""Who may come in: sessions, tokens, passwords, and the limits on guessing them."""
