"""Answers to queries: exact search, the null bank, and the one index of workbench, notebook and page."""
