"""What is relevant, and what follows from it: judgments, metrics, comparison with uncertainty, thresholds.

Arrays and small values in, frozen dataclasses out; nothing here knows an embedder or decodes a picture.
"""
