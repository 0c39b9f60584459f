"""Ways to cut a ranking without labels, one per file. None is right for every list; read them together."""
