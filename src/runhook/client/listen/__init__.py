"""The receiving side: a receiver to try webhooks with, and verification of signatures."""
