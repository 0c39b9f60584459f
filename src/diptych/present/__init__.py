"""A comparison shown: in the terminal, as an HTML file, as files that other tools read."""
