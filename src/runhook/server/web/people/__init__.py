"""The pages about a user, and the settings of an account."""
