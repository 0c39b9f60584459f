"""Where to cut an embedder's scores: learned from judgments, saved, and used to filter a collection."""
