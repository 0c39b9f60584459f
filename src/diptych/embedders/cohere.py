"""Cohere's hosted embeddings, Embed 5 and 4: pictures as documents, texts as queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diptych.embedders.hosted import ByKey, HostedSettings, Kind, Model, Provider, card, loader

_V5 = Model((256, 512, 768, 1024, 1536, 2048), 1024, text_tokens=128_000)
_TYPES = {"image": "search_document", "text": "search_query"}


def _ask(settings: HostedSettings, kind: Kind, items: Sequence[str]) -> Mapping[str, Any]:
    return {
        "model": settings.model,
        "input_type": _TYPES[kind],
        "embedding_types": ["float"],
        "output_dimension": settings.dimension,
        "inputs": [{"content": [_content(kind, item)]} for item in items],
    }


def _content(kind: Kind, item: str) -> Mapping[str, Any]:
    if kind == "text":
        return {"type": "text", "text": item}
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{item}"}}


PROVIDER = Provider(
    name="cohere",
    about="Cohere's hosted embeddings, Embed 5 and 4",
    title="Cohere",
    maker="Cohere",
    domain="cohere.com",
    endpoint="https://api.cohere.com",
    models={
        "embed-v5.0-pro": _V5,
        "embed-v5.0-fast": _V5,
        "embed-v4.0": Model((256, 512, 1024, 1536), 1024, text_tokens=128_000),
    },
    connect=ByKey(variable="CO_API_KEY", where="Cohere's dashboard", path="/v2/embed"),
    ask=_ask,
    read=lambda _kind, answer: answer["embeddings"]["float"],
    sides="pictures as documents, texts as queries (input_type search_document, search_query)",
    form="search_document search_query",
    batch_size=8,  # 96 are allowed, but only 20 MB of pictures in all
)

CARD = card(PROVIDER)
load = loader(PROVIDER)
