"""What works on this machine and what is missing, each with the line to run."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from diptych.embedders import load
from diptych.embedders.base import PrecomputedImages
from diptych.embedders.cards import cards
from diptych.embedders.self_check import Trial, complaints, try_out
from diptych.errors import DiptychError
from diptych.http import contact
from diptych.paths import cache_dir
from diptych.store.vectors import Store


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        what: Its name.
        works: Whether it can be used.
        finding: What was found, or what to run or set.
    """

    what: str
    works: bool
    finding: str


def examine(store: Path | None = None) -> list[Check]:
    """Look at everything that Diptych may need here; nothing is sent anywhere."""
    return [_python(), _store(store), _cache(), *_formats(), *_providers(), _device(), _google(), _contact()]


def try_embedder(spec: str, store: Path | None = None) -> list[Trial]:
    """Load an embedder and try it on a few pictures and texts, even where that costs something.

    Raises:
        DiptychError: It can't be loaded, can't be tried or fails for now.
    """
    embedder = load(spec)
    if isinstance(embedder, PrecomputedImages):
        raise DiptychError(
            f"{embedder.info.name} has vectors that were made elsewhere: there is no model to try"
        )
    trials = try_out(embedder)
    with Store(store) as opened:
        opened.put_complaints(embedder.info.fingerprint, complaints(trials))
    return trials


def _python() -> Check:
    return Check("Python", works=True, finding=f"{platform.python_version()} ({sys.executable})")


def _store(path: Path | None) -> Check:
    try:
        with Store(path) as store:
            only = "; it is read-only: nothing can be added to it" if store.read_only else ""
            return Check("store", works=True, finding=f"{store.path}{only}")
    except DiptychError as error:
        return Check("store", works=False, finding=str(error))


def _cache() -> Check:
    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Check(
            "cache", works=False, finding=f"can't make {folder}: {error.strerror}; set DIPTYCH_CACHE"
        )
    works = os.access(folder, os.W_OK)
    return Check("cache", works, str(folder) if works else f"can't write to {folder}: set DIPTYCH_CACHE")


def _formats() -> Iterator[Check]:
    from PIL import features

    for what, feature in (("JPEG", "jpg"), ("WebP", "webp"), ("AVIF", "avif"), ("JPEG 2000", "jpg_2000")):
        works = features.check(feature) is True
        yield Check(what, works, "decodes" if works else "this Pillow lacks it: pip install --upgrade pillow")
    works = features.check("littlecms2") is True
    yield Check(
        "colour profiles", works, "applied" if works else "this Pillow lacks LittleCMS: colours may be off"
    )
    works = importlib.util.find_spec("pillow_heif") is not None
    yield Check("HEIF", works, "decodes" if works else "pip install 'diptych[heif]'")


def _providers() -> Iterator[Check]:
    for name, card in cards().items():
        missing = card.missing()
        yield Check(name, missing is None, missing or card.about)


def _device() -> Check:
    if importlib.util.find_spec("torch") is None:
        return Check("GPU", works=False, finding="torch is not installed: pip install 'diptych[clip]'")
    try:
        import torch
    except Exception as error:  # noqa: BLE001 (a half-working installation raises anything)
        return Check("GPU", works=False, finding=f"torch can't be imported: {type(error).__name__}")
    if torch.cuda.is_available():
        return Check("GPU", works=True, finding=torch.cuda.get_device_name())
    if torch.backends.mps.is_available():
        return Check("GPU", works=True, finding="Apple's, through MPS")
    return Check("GPU", works=False, finding="none that torch can use; local models run on the processor")


def _google() -> Check:
    from diptych.embedders.vertex.credentials import where_credentials_are

    found = where_credentials_are()
    return Check("Google credentials", found is not None, found or "gcloud auth application-default login")


def _contact() -> Check:
    try:
        told = contact()
    except DiptychError as error:
        return Check("contact", works=False, finding=str(error))
    needed = "needed for Wikimedia's pictures: set DIPTYCH_CONTACT to your e-mail or web page"
    return Check("contact", told is not None, told or needed)
