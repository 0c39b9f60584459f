"""What works on this machine and what is missing, each with the line to run."""

from __future__ import annotations

import importlib.util
import io
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from diptych.embedders import load
from diptych.embedders.base import PrecomputedImages
from diptych.embedders.cards import cards
from diptych.embedders.self_check import Trial, complaints, try_out
from diptych.errors import DiptychError
from diptych.http import contact
from diptych.paths import cache_dir
from diptych.store.kept import kept_files
from diptych.store.vectors import Store

State = Literal["works", "installed", "found", "missing"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        what: Its name.
        state: "works" where it was tried, "installed" or "found" where it is there and was not tried.
        finding: What was found, or what to run or set.
    """

    what: str
    state: State
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
    return Check("Python", "works", f"{platform.python_version()} ({sys.executable})")


def _store(path: Path | None) -> Check:
    try:
        with Store(path) as store:
            only = "; it is read-only: nothing can be added to it" if store.read_only else ""
            return Check("store", "works", f"{store.path}{only}")
    except DiptychError as error:
        return Check("store", "missing", str(error))


def _cache() -> Check:
    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        return Check("cache", "works", f"{folder}{_kept_vectors()}")
    except OSError as error:
        return Check("cache", "missing", f"can't write to {folder}: {error.strerror}; set DIPTYCH_CACHE")


def _kept_vectors() -> str:
    """How much of the cache are vectors that are kept ready; empty where none are."""
    sizes = [file.stat().st_size for file in kept_files()]
    if not sizes:
        return ""
    return f"; {sum(sizes) / 1e9:.2g} GB are vectors kept ready, which can be deleted at any time"


def _formats() -> Iterator[Check]:
    from PIL import features

    for what, name in (("JPEG", "JPEG"), ("WebP", "WEBP"), ("AVIF", "AVIF"), ("JPEG 2000", "JPEG2000")):
        if _decodes(name):
            yield Check(what, "works", "decodes")
        else:
            yield Check(what, "missing", "this Pillow lacks it: pip install --upgrade pillow")
    if features.check("littlecms2"):
        yield Check("colour profiles", "installed", "LittleCMS applies them")
    else:
        yield Check("colour profiles", "missing", "this Pillow lacks LittleCMS: colours may be off")
    if importlib.util.find_spec("pillow_heif") is not None:
        yield Check("HEIF", "installed", "by pillow-heif")
    else:
        yield Check("HEIF", "missing", "pip install 'diptych[heif]'")


def _decodes(name: str) -> bool:
    """Whether a picture that was written in a format can be read again."""
    from PIL import Image

    written = io.BytesIO()
    try:
        Image.new("RGB", (16, 16), (200, 30, 30)).save(written, name)
        with Image.open(written) as image:
            return image.convert("RGB").getpixel((8, 8)) is not None
    except (OSError, KeyError, ValueError):
        return False


def _providers() -> Iterator[Check]:
    for name, card in cards().items():
        lacks = card.missing()
        if lacks is not None and not lacks.startswith("set "):
            yield Check(name, "missing", lacks)
        elif sign_in := lacks or _CREDENTIALS.get(name, lambda: None)():
            yield Check(name, "installed", f"no credentials found: {sign_in}")
        else:
            yield Check(name, "installed", card.about)


def _no_google() -> str | None:
    from diptych.embedders.vertex.credentials import where_credentials_are

    return None if where_credentials_are() else "gcloud auth application-default login"


def _no_amazon() -> str | None:
    """Looks where AWS's own tools look first; a machine of Amazon's has credentials all the same."""
    named = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK")
    file = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")).expanduser()
    return None if any(map(os.environ.get, named)) or file.is_file() else "aws configure"


_CREDENTIALS: dict[str, Callable[[], str | None]] = {"vertex": _no_google, "bedrock": _no_amazon}
"""What tells how to get credentials that are not there, for services without a key of their own."""


def _device() -> Check:
    if importlib.util.find_spec("torch") is None:
        return Check("GPU", "missing", "torch is not installed: pip install 'diptych[clip]'")
    try:
        import torch

        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else None
        if device is None:
            return Check("GPU", "missing", "none that torch can use; local models run on the processor")
        torch.ones(8, device=device).sum().item()
    except Exception as error:  # noqa: BLE001 (a half-working installation raises anything)
        return Check("GPU", "missing", f"torch fails here: {type(error).__name__}")
    return Check("GPU", "works", torch.cuda.get_device_name() if device == "cuda" else "Apple's, through MPS")


def _google() -> Check:
    from diptych.embedders.vertex.credentials import where_credentials_are

    found = where_credentials_are()
    state: State = "missing" if found is None else "found"
    return Check("Google credentials", state, found or "gcloud auth application-default login")


def _contact() -> Check:
    try:
        told = contact()
    except DiptychError as error:
        return Check("contact", "missing", str(error))
    needed = "needed for Wikimedia's pictures: set DIPTYCH_CONTACT to your e-mail or web page"
    return Check("contact", "missing" if told is None else "found", told or needed)
