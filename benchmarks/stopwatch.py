"""Runs a command of Diptych's and says where its time goes: `python benchmarks/stopwatch.py compare …`.

It imports nothing by itself that the command does not, and prints JSON as the last line of its errors.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

WATCHED = {
    "opening the collection: listing, hashes": ("diptych.workbench:open_collection",),
    "facts of the embedders": ("diptych.workbench:load_all",),
    "the store": (
        "diptych.store.database:Database.__init__",
        "diptych.store.vectors:Store.known",
        "diptych.store.vectors:Store.get",
        "diptych.store.vectors:Store.iter_stored",
        "diptych.store.vectors:Store.kept",
        "diptych.store.vectors:Store.keep",
        "diptych.store.vectors:Store.judgments",
        "diptych.store.vectors:Store.complaints",
    ),
    "ranking": ("diptych.retrieval.searcher:search", "diptych.retrieval.searcher:score_all"),
    "analysis": (
        "diptych.retrieval.searcher:Searcher.__init__",
        "diptych.retrieval.searcher:Searcher.answer",
        "diptych.workbench:describe_comparison",
    ),
    "writing JSON": ("diptych.result:Comparison.to_json",),
}
"""The parts of a run, each with the functions that do it, less what they call of another part."""


class Stopwatch:
    """Tells how long each of several parts of this process takes, without what they call of one another."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self._now = ["everything else"]
        self._since = time.perf_counter()

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, watched."""

        def watched(*arguments: Any, **named: Any) -> Any:
            self.switch()
            self._now.append(part)
            try:
                return function(*arguments, **named)
            finally:
                self.switch()
                self._now.pop()

        return watched

    def switch(self) -> None:
        """Note what has passed since the last time."""
        now = time.perf_counter()
        self.taken[self._now[-1]] += now - self._since
        self._since = now


def watch(arguments: Sequence[str]) -> None:
    """Run the command in this process and print, as errors, how long its parts took."""
    watch = Stopwatch()
    builtins.__import__ = watch.around("imports", builtins.__import__)
    load_module = watch.around("imports", importlib.import_module)
    for part, places in WATCHED.items():
        for place in places:
            module, _, path = place.partition(":")
            owner = load_module(module)
            *inside, name = path.split(".")
            owner = functools.reduce(getattr, inside, owner)
            setattr(owner, name, watch.around(part, getattr(owner, name)))
    from diptych.cli import main

    sys.argv = ["diptych", *arguments]
    try:
        main()
    finally:
        watch.switch()
        print(json.dumps(watch.taken), file=sys.stderr)


if __name__ == "__main__":
    watch(sys.argv[1:])
