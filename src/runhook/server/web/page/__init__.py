"""What every page is made with: templates, forms, addresses, visits, updates."""
