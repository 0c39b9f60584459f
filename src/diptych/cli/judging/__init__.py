"""`judge` in the terminal: the dialogue, the keys, and how a picture is shown."""
