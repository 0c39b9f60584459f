"""Finding a model of open_clip's: by the name of its architecture and weights, on the Hub, or in a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diptych.embedders import huggingface
from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.licences import tell_before_download

CONFIG = "open_clip_config.json"
WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
)
"""What a model's weights are called on the Hub, as open_clip looks for them."""

_HUB = "hf-hub:"
_SHOWN = 12  # names of weights in an error message


@dataclass(frozen=True)
class Found:
    """A model with all that it takes to load it.

    Attributes:
        source: Where its weights came from.
        licence: What its card names, or None.
        settings: The architecture, as open_clip's own configuration.
        architecture: What open_clip calls it; None where `folder` holds the configuration.
        folder: Where `open_clip_config.json` and the weights are; None where open_clip has the configuration.
        weights: The file; None where it is in `folder`.
        pictures: How pictures are prepared for these weights, beyond what the configuration says.
        quick_gelu: Whether these weights were trained with OpenAI's approximate GELU.
    """

    source: huggingface.Source
    licence: str | None
    settings: Mapping[str, Any]
    architecture: str | None = None
    folder: Path | None = None
    weights: Path | None = None
    pictures: Mapping[str, Any] = field(default_factory=dict)
    quick_gelu: bool = False


def find(model: str, weights: str | None, revision: str | None) -> Found:
    """Find a model; what is not on this machine is fetched.

    Args:
        model: An architecture of open_clip's (`ViT-B-32`), a Hub id (`timm/ViT-B-16-SigLIP2-256`, with or
            without `hf-hub:`), or a folder.
        weights: For an architecture: the name of published weights (`laion2b_s34b_b79k`) or a file.
        revision: A branch, tag or commit on the Hub; None for its main branch.

    Raises:
        EmbedderUnavailable: There is no such model, or it can't be had from here.
    """
    import open_clip

    if model in open_clip.list_models():
        return _find_weights(model, weights, revision)
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
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".md")
    source = huggingface.describe_folder(folder, files)
    return Found(source, huggingface.licence(source), _read(folder / CONFIG), folder=folder)


def _nearest(model: str) -> str:
    import difflib

    import open_clip

    close = difflib.get_close_matches(model, open_clip.list_models(), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ": see open_clip.list_models()"


def _find_on_hub(repo: str, revision: str | None) -> Found:
    source = huggingface.find_on_hub(repo, revision, marks=(CONFIG,))
    config = huggingface.fetch(source, revision, CONFIG)
    if config is None:
        raise EmbedderUnavailable(f"{source.label} is no model of open_clip's: it has no {CONFIG}")
    licence = tell_before_download(source)
    _fetch_first(source, revision, WEIGHTS)
    return Found(source, licence, _read(config), folder=config.parent)


def _find_weights(architecture: str, weights: str | None, revision: str | None) -> Found:
    import open_clip

    settings = open_clip.get_model_config(architecture)
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if weights is None and len(tags) == 1:
        weights = tags[0]
    if weights is None:
        raise EmbedderUnavailable(
            f"say which weights of {architecture}: {architecture}?pretrained={_some(tags)}"
            if tags
            else f"no weights of {architecture} are published: add ?pretrained=FILE"
        )
    tag = open_clip.get_pretrained_cfg(architecture, weights)
    if tag:
        return _find_published(architecture, weights, tag, settings, revision)
    file = Path(weights).expanduser()
    if not file.is_file():
        raise EmbedderUnavailable(
            f"{architecture} has no weights {weights!r}, and there is no such file: it has {_some(tags)}"
        )
    return Found(_describe_file(file), None, settings, architecture, weights=file)


def _find_published(
    architecture: str, name: str, tag: Mapping[str, Any], settings: Mapping[str, Any], revision: str | None
) -> Found:
    """Weights that open_clip knows by name: from the Hub wherever they are there, pinned to a commit."""
    from open_clip.pretrained import download_pretrained_from_url

    if repo := tag.get("hf_hub"):
        repo, _, file = repo.rpartition("/")
        names = (file,) if file else WEIGHTS
        source = huggingface.find_on_hub(repo, revision, marks=names)
        licence = tell_before_download(source)
        weights = _fetch_first(source, revision, names)
    else:
        try:
            weights = Path(download_pretrained_from_url(tag["url"]))
        except Exception as error:
            raise EmbedderUnavailable(
                f"the weights {name} of {architecture} can't be fetched ({huggingface.one_line(error)})"
            ) from error
        source, licence = _describe_file(weights), None
    pictures = {key: tag[key] for key in ("mean", "std", "interpolation", "resize_mode") if tag.get(key)}
    return Found(
        source,
        licence,
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
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return huggingface.Source(
        place=str(file),
        label=f"{file.name}@{digest[:12]}",
        identity=f"file@{digest}",
        unreachable="a file is loaded without it",
    )


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
