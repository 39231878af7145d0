"""Users, callers and accounts: what they may do, how much they may have, what is audited."""
