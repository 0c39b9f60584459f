"""Licences that forbid commercial use, said aloud before a model is fetched."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

from diptych.embedders import huggingface
from diptych.errors import DiptychWarning

_NOT_COMMERCIAL = re.compile(r"\bnc\b|non-?commercial|\bamlr\b|\bresearch\b")
"""CC BY-NC, Apple's and Qwen's research licences, and those that say it in their name."""

_WEIGHTS = frozenset({".safetensors", ".bin", ".pt", ".pth", ".onnx"})


def forbids_commerce(licence: str | None) -> bool:
    """Whether a licence's name says that the model is not for commercial use."""
    return licence is not None and _NOT_COMMERCIAL.search(licence.lower()) is not None


def tell_before_download(source: huggingface.Source) -> str | None:
    """Warn where a model that is about to be fetched is not for commercial use.

    Args:
        source: The model; where its weights are on this machine already, nothing is said.

    Returns:
        The licence that its card names, or None.
    """
    licence = huggingface.licence(source)
    if source.commit and forbids_commerce(licence) and not _is_here(source):
        warnings.warn(
            f"{source.place} is under the licence {licence}: it may not be used commercially",
            DiptychWarning,
            stacklevel=3,
        )
    return licence


def _is_here(source: huggingface.Source) -> bool:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    repo = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=source.place, repo_type="model")
    files = (repo / "snapshots" / str(source.commit)).rglob("*")
    return any(path.suffix in _WEIGHTS and path.exists() for path in files)
