"""Vectors and judgments on disk: `vectors.py` files and finds them, `database.py` is the file."""
