"""Compare multimodal image embedders side by side on your own pictures.

Example:
    import diptych

    bench = diptych.Workbench("photos/", ["clip-ViT-L-14", "vertex?project=my-project"])
    result = bench.compare(["golden retriever", "wolf"], k=20)
    result.report("report.html")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diptych import samples
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
    "samples",
]

_HOMES = {
    "Collection": "diptych.images",
    "Comparison": "diptych.result",
    "DiptychError": "diptych.errors",
    "DiptychWarning": "diptych.errors",
    "Limits": "diptych.images",
    "Store": "diptych.store",
    "Workbench": "diptych.comparison",
    "compare": "diptych.comparison",
    "load": "diptych.embedders",
    "open_collection": "diptych.images",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `diptych --help` need not wait for numpy."""
    if name == "samples":
        return importlib.import_module("diptych.samples")
    if name not in _HOMES:
        raise AttributeError(f"module 'diptych' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
