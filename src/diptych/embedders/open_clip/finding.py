"""Finding a model of open_clip's: by the name of its architecture and weights, on the Hub, or in a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from diptych.cache import file_hashes, recall, remember
from diptych.embedders import huggingface, torch_models
from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.licences import tell_before_download

CONFIG = "open_clip_config.json"
WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
)
"""What a model's weights are called on the Hub, as open_clip looks for them."""

_TOKENIZERS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)

_HUB = "hf-hub:"
_SHOWN = 12  # names of weights in an error message


@dataclass(frozen=True)
class FoundModel:
    """A model with all that it takes to load it.

    Attributes:
        source: Where its weights came from.
        settings: The architecture, as open_clip's own configuration.
        architecture: What open_clip calls it; None where `folder` holds the configuration.
        folder: Where `open_clip_config.json` and the weights are; None where open_clip has the configuration.
        weights: The file; None where it is in `folder`.
        pictures: How pictures are prepared for these weights, beyond what the configuration says.
        quick_gelu: Whether these weights were trained with OpenAI's approximate GELU.
        tokenizer: Where its tokenizer is; None for OpenAI's, which comes with open_clip.
    """

    source: huggingface.Source
    settings: Mapping[str, Any]
    architecture: str | None = None
    folder: Path | None = None
    weights: Path | None = None
    pictures: Mapping[str, Any] = field(default_factory=dict)
    quick_gelu: bool = False
    tokenizer: huggingface.Source | None = None


def find(model: str, weights: str | None, revision: str | None) -> FoundModel:
    """Find a model; what is not on this machine is fetched.

    Args:
        model: An architecture of open_clip's (`ViT-B-32`), a Hub id (`timm/ViT-B-16-SigLIP2-256`, with or
            without `hf-hub:`), or a folder.
        weights: For an architecture: the name of published weights (`laion2b_s34b_b79k`) or a file.
        revision: A branch, tag or commit on the Hub; None for its main branch.

    Raises:
        EmbedderUnavailable: There is no such model, or it can't be fetched.
    """
    found = _find(model, weights, revision)
    return replace(found, tokenizer=_find_tokenizer(found))


def _find(model: str, weights: str | None, revision: str | None) -> FoundModel:
    if known := _ask_open_clip(model, weights):
        return _find_weights(model, known, revision)
    if weights is not None:
        raise EmbedderUnavailable(
            f"pretrained goes with an architecture of open_clip's, and {model} is none: leave it out"
        )
    if "/" not in model and not Path(model).expanduser().exists():
        raise EmbedderUnavailable(f"open_clip has no architecture {model}{_nearest(model)}")
    folder = None if model.startswith(_HUB) else huggingface.find_folder(model, revision)
    if folder is None:
        return _find_on_hub(model.removeprefix(_HUB), revision)
    if not (folder / CONFIG).is_file():
        raise EmbedderUnavailable(f"the folder {folder} holds no model of open_clip's: it has no {CONFIG}")
    files = (path for path in huggingface.files_below(folder) if path.suffix != ".md")
    source = huggingface.describe_folder(folder, files)
    return FoundModel(source, _read(folder / CONFIG), folder=folder)


def _nearest(model: str) -> str:
    import difflib

    import open_clip

    close = difflib.get_close_matches(model, open_clip.list_models(), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ": see open_clip.list_models()"


def _find_on_hub(repo: str, revision: str | None) -> FoundModel:
    source = huggingface.find_on_hub(repo, revision, marks=(CONFIG,))
    config = huggingface.fetch(source, revision, CONFIG)
    if config is None:
        raise EmbedderUnavailable(f"{source.label} is not a model of open_clip's: it has no {CONFIG}")
    tell_before_download(source)
    _fetch_first(source, revision, WEIGHTS)
    return FoundModel(source, _read(config), folder=config.parent)


def _ask_open_clip(model: str, weights: str | None) -> Mapping[str, Any] | None:
    """What open_clip knows of an architecture and of weights for it; None where `model` is none of its own.

    Importing it takes seconds, and what it knows follows from its version: asked once, that is remembered. A
    program that has imported it may have added architectures of its own.
    """
    key = f"open_clip {version('open-clip-torch')}: {json.dumps([model, weights])}"
    imported = "open_clip" in sys.modules
    known: dict[str, Mapping[str, Any] | None] = {} if imported else recall([key])
    if key not in known:
        torch_models.import_packages("open_clip", "openclip")
        known = {key: _look_up(model, weights)}
        if not imported:
            remember(known)
    return known[key]


def _look_up(model: str, weights: str | None) -> Mapping[str, Any] | None:
    import open_clip

    if model not in open_clip.list_models():
        return None
    tags = open_clip.list_pretrained_tags_by_model(model)
    if weights is None and len(tags) == 1:
        weights = tags[0]
    tag = open_clip.get_pretrained_cfg(model, weights) if weights else None
    return {"settings": open_clip.get_model_config(model), "tags": tags, "weights": weights, "tag": tag}


def _find_weights(architecture: str, known: Mapping[str, Any], revision: str | None) -> FoundModel:
    settings, tags, weights, tag = (known[name] for name in ("settings", "tags", "weights", "tag"))
    if weights is None:
        raise EmbedderUnavailable(
            f"say which weights of {architecture}: {architecture}?pretrained={_some(tags)}"
            if tags
            else f"no weights of {architecture} are published: add ?pretrained=FILE"
        )
    if tag:
        return _find_published(architecture, weights, tag, settings, revision)
    file = Path(weights).expanduser()
    if not file.is_file():
        raise EmbedderUnavailable(
            f"{architecture} has no weights {weights!r}, and there is no such file: it has {_some(tags)}"
        )
    return FoundModel(_describe_file(file), settings, architecture, weights=file)


def _find_published(
    architecture: str, name: str, tag: Mapping[str, Any], settings: Mapping[str, Any], revision: str | None
) -> FoundModel:
    """Weights that open_clip knows by name: from the Hub wherever they are there, pinned to a commit."""
    if repo := tag.get("hf_hub"):
        repo, _, file = repo.rpartition("/")
        names = (file,) if file else WEIGHTS
        source = huggingface.find_on_hub(repo, revision, marks=names)
        tell_before_download(source)
        weights = _fetch_first(source, revision, names)
    else:
        from open_clip.pretrained import download_pretrained_from_url

        try:
            weights = Path(download_pretrained_from_url(tag["url"]))
        except Exception as error:
            raise EmbedderUnavailable(
                f"the weights {name} of {architecture} can't be fetched ({huggingface.one_line(error)})"
            ) from error
        source = _describe_file(weights)
    pictures = {
        key: tuple(tag[key]) if isinstance(tag[key], list) else tag[key]  # as it was before it was JSON
        for key in ("mean", "std", "interpolation", "resize_mode")
        if tag.get(key)
    }
    return FoundModel(
        source,
        settings,
        architecture,
        weights=weights,
        pictures=pictures,
        quick_gelu=bool(tag.get("quick_gelu")),
    )


def _fetch_first(source: huggingface.Source, revision: str | None, names: tuple[str, ...]) -> Path:
    for name in names:
        if path := huggingface.fetch(source, revision, name):
            return path
    if source.unreachable is not None:
        raise EmbedderUnavailable(huggingface.explain_missing(source.place, source.unreachable))
    raise EmbedderUnavailable(f"{source.label} holds no weights: it has none of {', '.join(names)}")


def _describe_file(file: Path) -> huggingface.Source:
    digest = file_hashes([file])[file]
    return huggingface.Source(
        place=str(file),
        label=f"{file.name}@{digest[:12]}",
        identity=f"file@{digest}",
        unreachable="a file is loaded without it",
    )


def _find_tokenizer(found: FoundModel) -> huggingface.Source | None:
    """The model's own folder or repository where the tokenizer is in it, otherwise the one that it names."""
    name = found.settings["text_cfg"].get("hf_tokenizer_name")
    if not name:
        return None
    if found.source.commit is None and found.folder and _is_in(found.folder):
        return found.source
    if found.source.commit is not None and name == found.source.place:
        return found.source
    return huggingface.find_on_hub(name, None, marks=_TOKENIZERS)


def _is_in(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _TOKENIZERS)


def _read(config: Path) -> Mapping[str, Any]:
    try:
        settings = json.loads(config.read_text(encoding="utf-8"))["model_cfg"]
        if isinstance(settings["text_cfg"], dict) and isinstance(settings["vision_cfg"], dict):
            return dict(settings)
    except (ValueError, KeyError, TypeError):
        pass
    raise EmbedderUnavailable(f"{config} describes no model of open_clip's: it lacks model_cfg or its parts")


def _some(tags: list[str]) -> str:
    return ", ".join(tags[:_SHOWN]) + (f" and {len(tags) - _SHOWN} more" if len(tags) > _SHOWN else "")
