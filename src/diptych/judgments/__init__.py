"""Judgments: what they are, where they come from, how they are given and kept.

`judgments.py` is the value, `ledger.py` records them in the store, `groundtruth.py` finds those that a person
means.
"""
