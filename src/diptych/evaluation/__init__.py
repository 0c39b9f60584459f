"""How good rankings are by what is relevant: metrics, comparison with uncertainty, fusion, abstention.

Arrays and small values in, frozen dataclasses out; nothing here knows a store, a file or an embedder.
"""
