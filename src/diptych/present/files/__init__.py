"""A comparison, and what passes a threshold, as files that other tools read."""
