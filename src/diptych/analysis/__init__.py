"""What can be said of rankings: one concept, one file; arrays in, a small frozen dataclass out."""
