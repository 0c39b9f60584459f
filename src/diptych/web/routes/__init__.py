"""The page's addresses, one file per view."""
