"""Voyage's hosted multimodal embeddings: pictures as documents, texts as queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diptych.embedders.hosted import (
    HostedEmbedder,
    Key,
    Kind,
    Model,
    Provider,
    Settings,
    by_key,
    card,
    in_order,
)

_TYPES = {"image": "document", "text": "query"}


def _ask(settings: Settings, kind: Kind, items: Sequence[str]) -> Mapping[str, Any]:
    return {
        "model": settings.model,
        "input_type": _TYPES[kind],
        "output_dimension": settings.dimension,
        "inputs": [{"content": [_content(kind, item)]} for item in items],
    }


def _content(kind: Kind, item: str) -> Mapping[str, Any]:
    if kind == "text":
        return {"type": "text", "text": item}
    return {"type": "image_base64", "image_base64": f"data:image/jpeg;base64,{item}"}


PROVIDER = Provider(
    name="voyage",
    title="Voyage AI",
    maker="Voyage AI",
    domain="voyageai.com",
    endpoint="https://api.voyageai.com",
    models={"voyage-multimodal-3.5": Model((256, 512, 1024, 2048), 1024)},
    connect=by_key(Key("VOYAGE_API_KEY", "Voyage's dashboard"), "/v1/multimodalembeddings"),
    ask=_ask,
    read=lambda _kind, answer: in_order(answer["data"]),
    sides="pictures as documents, texts as queries (input_type document, query)",
    form="document query",
    batch_size=8,
    requests_per_minute=2000.0,
)

CARD = card(
    PROVIDER,
    about="Voyage's hosted multimodal embeddings",
    spec="voyage:voyage-multimodal-3.5",
    needs="an account at Voyage AI, and its key in VOYAGE_API_KEY",
    key="VOYAGE_API_KEY",
)


def load(model: str, /, **options: str) -> HostedEmbedder:
    """Make the embedder; the entry point behind `voyage` and `voyage:MODEL`.

    Args:
        model: The model; empty is `voyage-multimodal-3.5`.
        options: What all hosted embedders take.

    Raises:
        EmbedderUnavailable: An option is unknown or has a value that can't be.
    """
    return HostedEmbedder.of(PROVIDER.settings(model, options))
