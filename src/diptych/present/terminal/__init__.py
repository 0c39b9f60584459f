"""A comparison in the terminal, and how far long work is."""
