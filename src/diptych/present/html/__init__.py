"""A comparison as HTML: the report, the notebook, and what the page shares with them."""
