"""Reports on their way to the service: kept on the disk, sent, sent again."""
