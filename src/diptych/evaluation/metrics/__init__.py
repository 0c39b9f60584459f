"""Labelled metrics of one ranking; `figures.py` gathers them all."""
