"""Finding the files of an exported model, in a folder or on the Hugging Face Hub, as they are laid out there.

transformers.js' repositories hold `onnx/vision_model.onnx` and `onnx/text_model.onnx`, or both sides in one
`onnx/model.onnx`, with a suffix for each variant; Immich's hold `visual/model.onnx` and `textual/model.onnx`.
"""

from __future__ import annotations

import itertools
import json
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from diptych.embedders import huggingface
from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.onnx.external import external_files

SUFFIXES = {
    "fp32": "",
    "fp16": "_fp16",
    "q8": "_quantized",
    "quantized": "_quantized",
    "int8": "_int8",
    "uint8": "_uint8",
    "q4": "_q4",
    "q4f16": "_q4f16",
    "bnb4": "_bnb4",
}
"""What transformers.js appends to a file's name for each variant of a model."""

_LAYOUTS = (
    ("onnx/vision_model{}.onnx", "onnx/text_model{}.onnx"),
    ("vision_model{}.onnx", "text_model{}.onnx"),
    ("visual/model{}.onnx", "textual/model{}.onnx"),
    ("onnx/model{}.onnx", "onnx/model{}.onnx"),
    ("model{}.onnx", "model{}.onnx"),
)
"""The file of pictures and the file of texts, in the order they are looked for."""

_TOKENIZERS = ("tokenizer.json", "textual/tokenizer.json")

_Fetch = Callable[[str], Path | None]
"""From a file's name in a model to the file on this machine; None where the model has no such file."""


@dataclass(frozen=True)
class ModelFiles:
    """The files of an exported model, on this machine, and the settings beside them, empty where missing.

    Attributes:
        pictures: The export that takes pictures.
        texts: The export that takes texts; may be the same file.
        tokenizer: `tokenizer.json`.
        tokenizer_config: `tokenizer_config.json`.
        config: `config.json`, transformers' or open_clip's.
        preprocessor: How pictures are prepared, in Hugging Face's words.
        preprocess_cfg: How pictures are prepared, in open_clip's words.
    """

    pictures: Path
    texts: Path
    tokenizer: Path
    tokenizer_config: Mapping[str, Any]
    config: Mapping[str, Any]
    preprocessor: Mapping[str, Any]
    preprocess_cfg: Mapping[str, Any]


def find(model: str, variant: str, revision: str | None) -> tuple[huggingface.Source, ModelFiles]:
    """Find a model; from the Hub only the files of the one variant are fetched.

    Args:
        model: A folder or a Hub id.
        variant: One of `SUFFIXES`.
        revision: A branch, tag or commit on the Hub; None for its main branch.

    Returns:
        Where it came from, and its files.

    Raises:
        EmbedderUnavailable: There is no such model, it lacks a file, or it can't be fetched.
    """
    folder = huggingface.find_folder(model, revision)
    if folder is None:
        source = huggingface.find_on_hub(model, revision, marks=_TOKENIZERS)
        try:
            return source, _collect(partial(huggingface.fetch, source, revision), variant, source.label)
        except EmbedderUnavailable:
            if source.unreachable is None:
                raise
        raise EmbedderUnavailable(huggingface.explain_missing(model, source.unreachable))
    used: set[Path] = set()
    files = _collect(partial(_fetch_from_folder, folder, used), variant, f"the folder {folder}")
    return huggingface.describe_folder(folder, used), files


def _fetch_from_folder(folder: Path, used: set[Path], name: str) -> Path | None:
    path = folder / name
    if not path.is_file():
        return None
    used.add(path)
    return path


def _collect(fetch: _Fetch, variant: str, place: str) -> ModelFiles:
    """Fetch all files, the small ones first: a download that was broken off never leaves settings out."""
    tokenizer = fetch(_TOKENIZERS[0]) or fetch(_TOKENIZERS[1])
    if tokenizer is None:
        raise EmbedderUnavailable(f"{place} lacks its tokenizer: it has none of {', '.join(_TOKENIZERS)}")
    beside_texts = "textual/" if tokenizer.parent.name == "textual" else ""
    tokenizer_config = _read(fetch(f"{beside_texts}tokenizer_config.json"))
    config = _read(fetch("config.json"))
    preprocessor = _read(fetch("preprocessor_config.json"))
    if not preprocessor:  # transformers 5 writes all of a model's preprocessing into one file
        preprocessor = _read(fetch("processor_config.json")).get("image_processor") or {}
    preprocess_cfg = _read(fetch("visual/preprocess_cfg.json") or fetch("preprocess_cfg.json"))
    pictures, texts = _fetch_exports(fetch, variant, place)
    return ModelFiles(pictures, texts, tokenizer, tokenizer_config, config, preprocessor, preprocess_cfg)


def _fetch_exports(fetch: _Fetch, variant: str, place: str) -> tuple[Path, Path]:
    layouts = [tuple(name.format(SUFFIXES[variant]) for name in names) for names in _LAYOUTS]
    for of_pictures, of_texts in layouts:
        pictures = _fetch_export(fetch, of_pictures, place)
        texts = _fetch_export(fetch, of_texts, place) if pictures else None
        if pictures and texts:
            return pictures, texts
    looked_for = "; ".join(" and ".join(dict.fromkeys(names)) for names in layouts)
    raise EmbedderUnavailable(
        f"{place} holds no ONNX export of both sides in {variant}, looked for: {looked_for} "
        f"(other variants: {', '.join(name for name in SUFFIXES if name != variant)})"
    )


def _fetch_export(fetch: _Fetch, name: str, place: str) -> Path | None:
    """One export with the files that hold its weights where they are too large for it (above 2 GB).

    The export names them. Those that are called as exporters call them are taken in any case, as they were
    before their names were read: what was stored under a model with such a file must be found again.
    """
    export = fetch(name)
    if export is None:
        return None
    for location in external_files(export):
        file = posixpath.normpath(posixpath.join(posixpath.dirname(name), location))
        if file.startswith(("../", "/")):
            raise EmbedderUnavailable(f"{name} of {place} keeps weights outside of it, in {location!r}")
        if fetch(file) is None:
            raise EmbedderUnavailable(f"{place} lacks {file}, which holds weights of {name}")
    if fetch(f"{name}_data"):
        # transformers.js writes one file more for every further 2 GB
        next(n for n in itertools.count(1) if fetch(f"{name}_data_{n}") is None)
    fetch(f"{name}.data")  # what torch writes
    return export


def _read(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EmbedderUnavailable(f"{path} is not valid JSON: {error}") from None
    if not isinstance(settings, dict):
        raise EmbedderUnavailable(f"{path} holds no settings: it is a list or a value")
    return settings
