"""Ways to cut a ranking without labels, one a file. None is right for every list; they are read together."""
