"""The `runhook` command, one file per subcommand."""
