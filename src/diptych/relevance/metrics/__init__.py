"""Labelled metrics of one ranking; `metrics/figures.py` gathers them all."""
