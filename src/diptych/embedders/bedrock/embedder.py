"""Amazon's hosted embeddings on Bedrock: Titan Multimodal G1 and Nova multimodal, one item per call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from diptych.embedders.bedrock.signing import SIGN_IN, find_credentials
from diptych.embedders.hosted import (
    Connection,
    HostedEmbedder,
    HostedSettings,
    Kind,
    Model,
    Provider,
    Words,
    card,
)

if TYPE_CHECKING:
    import httpx2

TITAN = "amazon.titan-embed-image-v1"
NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"

_ENDPOINT = "https://bedrock-runtime.amazonaws.com"  # the region is put in when it is known
_PURPOSES = {"image": "GENERIC_INDEX", "text": "IMAGE_RETRIEVAL"}
_REFUSED = (
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ExpiredTokenException",
    "MissingAuthenticationTokenException",
)
_AT_FAULT = re.compile(r"model identifier|embeddingDimension|outputEmbeddingLength|on-demand", re.IGNORECASE)


def _connect(settings: HostedSettings, client: httpx2.Client) -> Connection:
    credentials = find_credentials(settings.options.get("region"))
    region, endpoint = credentials.region, settings.endpoint
    if endpoint == _ENDPOINT:
        endpoint = f"https://bedrock-runtime.{region}.amazonaws.com"
    refused = f"Amazon does not accept these credentials: {SIGN_IN}"
    words = Words(
        title="Bedrock",
        endpoint=endpoint,
        refused=refused,
        forbidden=f"these credentials may not invoke {settings.model} in {region}: ask for the permission"
        " bedrock:InvokeModel, and for access to the model in Bedrock's console",
        not_found=f"Bedrock has no {settings.model} in {region}: name another region",
        settings=f"region={region} or endpoint=",
        reasons={
            **dict.fromkeys(_REFUSED, refused),
            "ServiceQuotaExceededException": f"this account's quota for {settings.model} is used up:"
            " ask for more in AWS's Service Quotas, or name another region",
        },
        at_fault=_AT_FAULT,
    )
    url = f"{endpoint}/model/{quote(settings.model, safe='')}/invoke"
    return Connection(client, credentials, url, words)


def _ask_titan(settings: HostedSettings, kind: Kind, items: Sequence[str]) -> Mapping[str, Any]:
    (item,) = items
    config = {"outputEmbeddingLength": settings.dimension}
    return {"inputImage" if kind == "image" else "inputText": item, "embeddingConfig": config}


def _ask_nova(settings: HostedSettings, kind: Kind, items: Sequence[str]) -> Mapping[str, Any]:
    (item,) = items
    picture = {"format": "jpeg", "source": {"bytes": item}}
    text = {"truncationMode": "END", "value": item}
    single = {"embeddingPurpose": _PURPOSES[kind], "embeddingDimension": settings.dimension}
    return {
        "schemaVersion": "nova-multimodal-embed-v1",
        "taskType": "SINGLE_EMBEDDING",
        "singleEmbeddingParams": {**single, kind: picture if kind == "image" else text},
    }


ON_TITAN = Provider(
    name="bedrock",
    about="Amazon's hosted embeddings on Bedrock: Titan Multimodal G1 and Nova multimodal",
    spec=f"bedrock:{TITAN}?region=us-east-1",
    needs="an AWS account with access to the model, and its credentials where AWS's own tools find them",
    modules=("boto3",),
    extra="bedrock",
    title="Bedrock",
    maker="Amazon",
    domain="amazonaws.com",
    endpoint=_ENDPOINT,
    models={
        TITAN: Model((256, 384, 1024), 1024, text_tokens=128),
        NOVA: Model((256, 384, 1024, 3072), 3072, text_tokens=8172),
    },
    connect=_connect,
    ask=_ask_titan,
    read=lambda _kind, answer: [answer["embedding"]],
    options=("region",),
)

ON_NOVA = replace(
    ON_TITAN,
    ask=_ask_nova,
    read=lambda _kind, answer: [answer["embeddings"][0]["embedding"]],
    sides="pictures as an index, texts as queries (embeddingPurpose {image}, {text})".format(**_PURPOSES),
    form="{image} {text}".format(**_PURPOSES),
)

CARD = card(ON_TITAN)


def load(model: str, /, **options: str) -> HostedEmbedder:
    """Make the embedder; the entry point behind `bedrock` and `bedrock:MODEL`.

    Args:
        model: The model; empty is Titan Multimodal Embeddings G1. One with `nova` in it is asked as Nova.
        options: `region` (or AWS_DEFAULT_REGION, or that of the profile), and what all hosted embedders take.

    Raises:
        EmbedderUnavailable: An option is unknown or has a value that can't be.
    """
    provider = ON_NOVA if "nova" in (model or options.get("model", "")) else ON_TITAN
    return HostedEmbedder.of(provider, model, options)
