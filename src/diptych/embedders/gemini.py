"""Google's Gemini Embedding 2, by the Gemini API (a key) or on Vertex AI (`project=`): a vector per picture.

The model fuses all parts of one content into one vector, so that each picture and each text is a content of
its own. It knows no task type: a query is marked in its text, as Google documents for search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.hosted import ByKey, HostedEmbedder, HostedSettings, Kind, Model, Provider, card
from diptych.embedders.vertex.embedder import connect_to_google

MODEL = "gemini-embedding-2"
HOME = "us"
_HOSTS = {"us": "aiplatform.us.rep", "eu": "aiplatform.eu.rep", "global": "aiplatform"}
_QUERY = "task: search result | query: {}"


def _content(kind: Kind, item: str) -> Mapping[str, Any]:
    if kind == "text":
        return {"parts": [{"text": _QUERY.format(item)}]}
    return {"parts": [{"inlineData": {"mimeType": "image/jpeg", "data": item}}]}


def _ask_vertex(settings: HostedSettings, kind: Kind, items: Sequence[str]) -> Mapping[str, Any]:
    (item,) = items
    config = {"outputDimensionality": settings.dimension}
    return {"content": _content(kind, item), "embedContentConfig": config}


def _ask_gemini_api(settings: HostedSettings, kind: Kind, items: Sequence[str]) -> Mapping[str, Any]:
    asked = {"model": f"models/{settings.model}", "outputDimensionality": settings.dimension}
    return {"requests": [{**asked, "content": _content(kind, item)} for item in items]}


GEMINI_API = Provider(
    name="gemini",
    about="Google's Gemini Embedding 2, by the Gemini API or on Vertex AI",
    spec="gemini?dimension=768",
    needs="a key from Google AI Studio in GEMINI_API_KEY; or project=, and what vertex needs",
    title="the Gemini API",
    maker="Google",
    domain="googleapis.com",
    endpoint="https://generativelanguage.googleapis.com",
    models={MODEL: Model(range(128, 3073), 3072, text_tokens=8192)},
    connect=ByKey(
        variable="GEMINI_API_KEY",
        where="Google AI Studio",
        path="/v1beta/models/{model}:batchEmbedContents",
        header="x-goog-api-key",
        scheme="",
        refusals=("API_KEY_INVALID",),
    ),
    ask=_ask_gemini_api,
    read=lambda _kind, answer: [each["values"] for each in answer["embeddings"]],
    sides=f"texts as queries ({_QUERY.format('TEXT')}), pictures alone",
    form="search query prefix",
    batch_size=6,  # pictures are allowed in one request
)

ON_VERTEX = replace(
    GEMINI_API,
    title="Vertex AI",
    endpoint=f"https://{_HOSTS[HOME]}.googleapis.com",
    connect=lambda settings, client: connect_to_google(settings, client, verb="embedContent", home=HOME),
    ask=_ask_vertex,
    read=lambda _kind, answer: [answer["embedding"]["values"]],
    batch_size=1,
    route=" on Vertex AI",
    options=("project", "location"),
)

CARD = card(GEMINI_API)


def load(model: str, /, **options: str) -> HostedEmbedder:
    """Make the embedder; the entry point behind `gemini` and `gemini:MODEL`.

    Args:
        model: The model; empty is `gemini-embedding-2`.
        options: With `project` or `location` (us, eu or global) it is asked on Vertex AI, without by the
            Gemini API; and what all hosted embedders take.

    Raises:
        EmbedderUnavailable: An option is unknown or has a value that can't be.
    """
    if not {"project", "location"} & options.keys():
        return HostedEmbedder.of(GEMINI_API, model, options)
    location = options.setdefault("location", HOME)
    if location not in _HOSTS:  # it becomes part of a host name that gets a token
        raise EmbedderUnavailable(f"gemini has no location {location!r}: it takes us, eu or global")
    on_vertex = replace(ON_VERTEX, endpoint=f"https://{_HOSTS[location]}.googleapis.com")
    return HostedEmbedder.of(on_vertex, model, options)
