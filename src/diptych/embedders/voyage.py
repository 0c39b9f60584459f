"""Voyage's hosted multimodal embeddings: pictures as documents, texts as queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diptych.embedders.hosted import ByKey, HostedSettings, Kind, Model, Provider, card, in_order, loader

_TYPES = {"image": "document", "text": "query"}


def _ask(settings: HostedSettings, kind: Kind, items: Sequence[str]) -> Mapping[str, Any]:
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
    about="Voyage's hosted multimodal embeddings",
    title="Voyage AI",
    maker="Voyage AI",
    domain="voyageai.com",
    endpoint="https://api.voyageai.com",
    models={"voyage-multimodal-3.5": Model((256, 512, 1024, 2048), 1024)},
    connect=ByKey(variable="VOYAGE_API_KEY", where="Voyage's dashboard", path="/v1/multimodalembeddings"),
    ask=_ask,
    read=lambda _kind, answer: in_order(answer["data"]),
    sides="pictures as documents, texts as queries (input_type document, query)",
    form="document query",
    batch_size=8,
    requests_per_minute=2000.0,
)

CARD = card(PROVIDER)
load = loader(PROVIDER)
