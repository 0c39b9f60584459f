"""The `mini` provider: two small CLIPs of Diptych's own, in the package, so that everything runs at once.

They know drawn scenes of emoji, not photographs; `training/` holds all that makes them.
"""

from __future__ import annotations

from pathlib import Path

from diptych.embedders.base import Embedder, EmbedderUnavailable
from diptych.embedders.cards import ModelCard, ProviderCard
from diptych.embedders.mini.embedder import PROVIDER, MiniEmbedder
from diptych.embedders.registry import reject_unknown_options

CARD = ProviderCard(
    about=(
        "Two small CLIPs of Diptych's own, mini-s and mini-b: they know some 300 things in drawn emoji "
        "scenes and nothing of photographs"
    ),
    spec="mini-b",
    licence="Apache-2.0",
    models=tuple(
        ModelCard(
            spec=spec,
            dimension=dimension,
            sees="squashed to 64×64",
            text_tokens=32,
            licence="Apache-2.0",
            speed="fast",
        )
        for spec, dimension in (("mini-b", 192), ("mini-s", 96))
    ),
)

MODELS = {"s": "mini-s", "b": "mini-b"}
"""Folders below `models/`, by what a person writes after `mini:`."""


def load(model: str, **options: str) -> Embedder:
    """Load a model; called for the specs `mini-s` and `mini-b`.

    Args:
        model: `s` or `b`.
        **options: None are known.

    Returns:
        The embedder, its vectors filed under what the model's files hold, wherever the package lies.

    Raises:
        EmbedderUnavailable: There is no such model, or an option was given.
    """
    reject_unknown_options(PROVIDER, options)
    if model not in MODELS:
        raise EmbedderUnavailable(f"mini has no model {model!r}: write {' or '.join(MODELS.values())}")
    return MiniEmbedder(Path(__file__).parent / "models" / MODELS[model])
