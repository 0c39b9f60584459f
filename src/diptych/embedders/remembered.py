"""Models that were loaded before: what they are is remembered, and they are loaded when they are needed.

Loading a model takes seconds and often imports torch, only to learn facts that never change: the length of
its vectors, its preprocessing, its fingerprint. Where all vectors that are asked for are stored, these facts
are all that is used of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from PIL import Image

from diptych.cache import recall, remember
from diptych.embedders.base import Embedder, EmbedderInfo, EmbedderUnavailable, Vectors
from diptych.embedders.huggingface import Source
from diptych.errors import DiptychWarning

_one_at_a_time = threading.Lock()
"""Loading changes for a while what is the whole process's: warnings' filters, other libraries' loggers."""

_HOW_FAST = frozenset({"batch_size", "concurrency"})
"""Facts that vectors don't depend on: other ones suit another device."""


def load_once(
    source: Source, depends_on: Mapping[str, Any], packages: Iterable[str], load: Callable[[], Embedder]
) -> Embedder:
    """The embedder of a model: loaded now, or when it is needed where its facts are remembered.

    Args:
        source: Where the model is.
        depends_on: What its facts depend on beside its files, such as the options of its spec.
        packages: Those that make the facts, by the names they are installed under.
        load: Loads it.

    Raises:
        EmbedderUnavailable: As `load` does.
    """
    key = _key(source, depends_on, packages)
    info = _parse(recall([key]).get(key))
    if info is not None:
        return Remembered(info, load, key)
    with _one_at_a_time, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        embedder = load()
    for each in told:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    if not any(issubclass(each.category, DiptychWarning) for each in told):  # those are to be said each time
        _remember(key, embedder.info)
    return embedder


class Remembered:
    """An embedder whose facts are known, and whose model is loaded at the first picture or text.

    Args:
        info: The facts.
        load: Loads the model.
        key: What the facts are remembered under.
    """

    only_looks = True  # as all that are loaded so

    def __init__(self, info: EmbedderInfo, load: Callable[[], Embedder], key: str) -> None:
        self.info = info
        self._model = _LazyModel(info, load, key)  # one for all copies of this embedder

    def open(self) -> Embedder:
        """Load the model, unless it is loaded.

        Raises:
            EmbedderUnavailable: It can't be loaded, or is not what it was.
        """
        return self._model.open(self.info)

    def prepare_image(self, image: Image.Image) -> Any:
        """As the model does."""
        return self.open().prepare_image(image)

    def embed_images(self, prepared: Sequence[Any]) -> Vectors:
        """As the model does."""
        return self.open().embed_images(prepared)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """As the model does."""
        return self.open().embed_texts(texts)


class _LazyModel:
    """A model that is loaded at most once, whichever thread asks first."""

    def __init__(self, info: EmbedderInfo, load: Callable[[], Embedder], key: str) -> None:
        self._remembered = info
        self._load = load
        self._key = key
        self._lock = threading.Lock()
        self._embedder: Embedder | None = None

    def open(self, shown: EmbedderInfo) -> Embedder:
        """The model, which calls itself as `shown` does; raises as `Remembered.open` does."""
        with self._lock:
            if self._embedder is None:
                with _one_at_a_time:
                    embedder = self._load()
                self._compare(embedder.info, shown.name)
                embedder.info = shown
                self._embedder = embedder
            return self._embedder

    def _compare(self, found: EmbedderInfo, name: str) -> None:
        """Refuse a model whose vectors would be filed as another's."""
        was, now = dataclasses.asdict(self._remembered), dataclasses.asdict(found)
        differs = [field for field in was if was[field] != now[field]]
        if differs:
            _remember(self._key, found)
        if differs := [field for field in differs if field not in _HOW_FAST]:
            raise EmbedderUnavailable(
                f"{name} is not what it was when it was last loaded: its {differs[0]} was"
                f" {was[differs[0]]} and is {now[differs[0]]}; this is noted, run the same command again"
            )


def _key(source: Source, depends_on: Mapping[str, Any], packages: Iterable[str]) -> str:
    """Changes whenever the facts could: with the model, what it is asked for, and the code that reads it."""
    card = Path(source.place, "README.md")  # the licence is in it; on the Hub it goes with the commit
    has_card = source.commit is None and card.is_file()
    depends = {
        "source": [source.place, source.identity],
        "card": hashlib.sha256(card.read_bytes()).hexdigest() if has_card else None,
        "depends_on": depends_on,
        "packages": {name: _version(name) for name in ("diptych", "numpy", "pillow", *packages)},
        "code": [
            [path.name, path.stat().st_size, path.stat().st_mtime_ns]
            for path in sorted(Path(__file__).parent.rglob("*.py"))
        ],
    }
    return f"model {hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _remember(key: str, info: EmbedderInfo) -> None:
    remember({key: dataclasses.asdict(info)})


def _parse(fact: Any) -> EmbedderInfo | None:
    try:
        return EmbedderInfo(**fact)
    except (TypeError, ValueError):  # nothing was remembered, or not by us
        return None
