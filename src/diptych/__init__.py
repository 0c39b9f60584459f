"""Compare multimodal image embedders side by side on your own pictures.

Example:
    import diptych

    bench = diptych.Workbench("photos/", ["clip-ViT-L-14", "vertex?project=my-project"])
    result = bench.compare(["golden retriever", "wolf"], k=20)
    result.report("report.html")
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from diptych.progress import Progress, watch_with

if TYPE_CHECKING:
    from diptych import samples
    from diptych.embedders import load
    from diptych.errors import DiptychError, DiptychWarning
    from diptych.images import Collection, Limits, open_collection
    from diptych.result import Comparison
    from diptych.store.vectors import Store
    from diptych.workbench import ServedPage, Workbench, compare

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
    "Store": "diptych.store.vectors",
    "Workbench": "diptych.workbench",
    "compare": "diptych.workbench",
    "load": "diptych.embedders",
    "open_collection": "diptych.images",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `diptych --help` need not wait for numpy."""
    if name == "samples":
        return importlib.import_module("diptych.samples")
    if name not in _HOMES:
        raise AttributeError(f"module 'diptych' has no attribute {name!r}")
    home = importlib.import_module(_HOMES[name])
    if name == "Workbench":
        home.serve_page = _serve  # type: ignore[attr-defined]
    return getattr(home, name)


def _serve(bench: Workbench, port: int, max_cost: float, planned: int) -> ServedPage:
    from diptych.web.jupyter import notebook_origins
    from diptych.web.server import colab_proxy, open_page

    page = open_page(
        bench,
        port=port,
        max_cost=max_cost,
        planned=planned,
        proxy=colab_proxy(),
        framed_by=notebook_origins(),
    )
    page.start()
    return page


def _notebook_progress() -> Progress:
    from diptych.present.terminal.progress import progress_in_notebook

    return progress_in_notebook()


if "ipykernel" in sys.modules:
    watch_with(_notebook_progress)


def __dir__() -> list[str]:
    return __all__
