"""Compare multimodal image embedders side by side on your own pictures.

import diptych

bench = diptych.Workbench("photos/", ["clip-ViT-L-14", "vertex?project=my-project"])
result = bench.compare(["golden retriever", "wolf"], k=20)
result.report("report.html")
"""

from __future__ import annotations

from diptych.comparison import Workbench, compare
from diptych.embedders import load
from diptych.errors import DiptychError, DiptychWarning
from diptych.images import Collection, Limits, open_collection
from diptych.result import Comparison
from diptych.store import Store

__all__ = [
    "Collection",
    "Comparison",
    "DiptychError",
    "DiptychWarning",
    "Limits",
    "Store",
    "Workbench",
    "compare",
    "load",
    "open_collection",
]
