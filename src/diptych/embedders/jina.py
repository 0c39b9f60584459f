"""Jina's hosted embeddings, jina-clip-v2 and v5-omni: pictures and texts are sent alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diptych.embedders.hosted import ByKey, HostedSettings, Kind, Model, Provider, card, in_order, loader

_SHORTENED = range(1, 1025)  # the models' own vectors have 1024 numbers, of which the first ones serve alone


def _ask(settings: HostedSettings, kind: Kind, items: Sequence[str]) -> Mapping[str, Any]:
    return {
        "model": settings.model,
        "dimensions": settings.dimension,
        "input": [{kind: item} for item in items],
    }


PROVIDER = Provider(
    name="jina",
    about="Jina's hosted embeddings, jina-clip-v2 and v5-omni",
    title="Jina AI",
    maker="Jina AI",
    domain="jina.ai",
    endpoint="https://api.jina.ai",
    models={
        "jina-clip-v2": Model(_SHORTENED, 1024),
        "jina-embeddings-v5-omni-small": Model(_SHORTENED, 1024),
    },
    connect=ByKey(variable="JINA_API_KEY", where="jina.ai", path="/v1/embeddings"),
    ask=_ask,
    read=lambda _kind, answer: in_order(answer["data"]),
    sides="pictures and texts alike (no task set)",
    batch_size=8,
)

CARD = card(PROVIDER)
load = loader(PROVIDER)
