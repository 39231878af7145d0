"""The pages of webhooks, with their form, charts, previews and snippets."""
