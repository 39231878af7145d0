"""What users and tokens may do, and do to accounts: sign in, invite, change; all audited."""
