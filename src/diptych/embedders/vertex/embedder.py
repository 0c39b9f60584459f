"""Google's hosted multimodal embeddings: `multimodalembedding@001` on Vertex AI, paid by the call.

`vertex?project=my-project` needs a Google Cloud account, whose credentials `credentials.py` finds. Making the
embedder needs none, so that costs can be estimated first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.hosted import Connection, HostedEmbedder, HostedSettings, Kind, Model, Provider, card
from diptych.embedders.vertex.errors import words

if TYPE_CHECKING:
    import httpx2

MODEL = "multimodalembedding@001"
HOME = "us-central1"
FACTS = Model((128, 256, 512, 1408), 1408, text_tokens=32)  # Google's own measure: "approximately 32 words"

_KEYS = {"image": "imageEmbedding", "text": "textEmbedding"}


def connect_to_google(settings: HostedSettings, client: httpx2.Client, *, verb: str, home: str) -> Connection:
    """Find credentials and the project that pays, and from them the address of a model on Vertex AI.

    Args:
        settings: The model, the location and maybe the project.
        client: Asks for tokens.
        verb: What the model is asked to do, such as `predict`.
        home: The location where the model is served if anywhere.

    Raises:
        EmbedderUnavailable: There are no credentials, or there is no project.
    """
    from diptych.embedders.vertex.credentials import find_credentials

    name, location = settings.provider.name, settings.options["location"]
    credentials = find_credentials(client)
    named = settings.options.get("project") or os.environ.get("GOOGLE_CLOUD_PROJECT")
    project = named or credentials.project
    if not project:
        raise EmbedderUnavailable(
            "Vertex AI needs a Google Cloud project to charge:"
            f" write {name}?project=YOUR-PROJECT or set GOOGLE_CLOUD_PROJECT"
        )
    url = (
        f"{settings.endpoint}/v1/projects/{quote(project, safe=':')}/locations/{quote(location)}"
        f"/publishers/google/models/{quote(settings.model, safe='@')}:{verb}"
    )
    return Connection(client, credentials, url, words(settings, project, home))


def _ask(settings: HostedSettings, kind: Kind, items: Sequence[str]) -> Mapping[str, Any]:
    (item,) = items
    instance = {"image": {"bytesBase64Encoded": item}} if kind == "image" else {"text": item}
    return {"instances": [instance], "parameters": {"dimension": settings.dimension}}


PROVIDER = Provider(
    name="vertex",
    about="Google's hosted multimodal embeddings on Vertex AI",
    spec="vertex?project=YOUR-PROJECT",
    needs="a Google Cloud project with billing, and `gcloud auth application-default login`",
    title="Vertex AI",
    maker="Google",
    domain="googleapis.com",
    endpoint=f"https://{HOME}-aiplatform.googleapis.com",
    models={MODEL: FACTS},
    connect=lambda settings, client: connect_to_google(settings, client, verb="predict", home=HOME),
    ask=_ask,
    read=lambda kind, answer: [answer["predictions"][0][_KEYS[kind]]],
    sees="Google resizes it to 512 x 512",
    last_weeks=" and may refuse new projects a month before",
    requests_per_minute=120.0,  # the quota of every project in every region; some have up to 600
    options=("project", "location"),
)

CARD = card(PROVIDER)


def load(model: str, /, **options: str) -> HostedEmbedder:
    """Make the embedder; the entry point behind `vertex` and `vertex:MODEL`.

    Args:
        model: The model with its version; empty is `multimodalembedding@001`.
        options: `project` (or GOOGLE_CLOUD_PROJECT, or that of the credentials), `location` (us-central1),
            `endpoint` (or GOOGLE_VERTEX_BASE_URL; Google's own for the location), and what all hosted
            embedders take.

    Raises:
        EmbedderUnavailable: An option is unknown or has a value that can't be.
    """
    location = options.setdefault("location", HOME)
    if not re.fullmatch(r"[a-z]+-[a-z]+\d+", location):  # it becomes part of a host name that gets a token
        raise EmbedderUnavailable(f"vertex has no location {location!r}: it takes a region such as {HOME}")
    own = os.environ.get("GOOGLE_VERTEX_BASE_URL") or f"https://{location}-aiplatform.googleapis.com"
    names = {name: _versioned(name) for name in (model, options.get("model", "")) if name}
    if "model" in options:
        options["model"] = names.get(options["model"], "")
    models = dict.fromkeys((*names.values(), MODEL), FACTS)
    provider = replace(PROVIDER, endpoint=own, models=models)
    return HostedEmbedder.of(provider, names.get(model, ""), options)


def _versioned(name: str) -> str:
    if not re.fullmatch(r"multimodalembedding(@\w+)?", name):
        raise EmbedderUnavailable(f"vertex has no model {name!r}: it takes {MODEL}")
    return name if "@" in name else MODEL
