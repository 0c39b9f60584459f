"""Google's hosted multimodal embeddings: `multimodalembedding@001` on Vertex AI, paid by the call.

`vertex?project=my-project` needs a Google Cloud account, whose credentials `credentials.py` finds. Making the
embedder needs none, so that costs can be estimated first.
"""

from __future__ import annotations

import base64
import io
import math
import os
import re
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.embedders.base import (
    Embedder,
    EmbedderInfo,
    EmbedderUnavailable,
    InputRejected,
    TransientError,
    Vectors,
)
from diptych.embedders.cards import ProviderCard
from diptych.embedders.registry import reject_unknown_options
from diptych.embedders.vertex.client import Service, VertexClient
from diptych.errors import DiptychWarning

MODEL = "multimodalembedding@001"
DIMENSIONS = (128, 256, 512, 1408)
LONGEST_SIDE = 1024
"""Pixels. Google shrinks further, to 512 x 512; sending no more saves time and stays clear of its 20 MB."""

RETIRES = {MODEL: date(2027, 4, 1)}
"""When Google takes a model away, as its page of model versions said in September 2026."""

PRICE_PER_IMAGE = 0.0001
PRICE_PER_1K_CHARACTERS = 0.0002
"""US dollars, as of 2026-11."""

REQUESTS_PER_MINUTE = 120.0
"""The quota that every project has in every region; some have up to 600."""

MAX_WORDS = 32
"""Google's own measure of its 32 tokens: "approximately 32 words"."""

LICENCE = "Google Cloud terms of service"

CARD = ProviderCard(
    about="Google's hosted multimodal embeddings on Vertex AI",
    spec="vertex?project=YOUR-PROJECT",
    needs="a Google Cloud project with billing, and `gcloud auth application-default login`",
    licence=LICENCE,
    price=f"${PRICE_PER_IMAGE:g} a picture, ${PRICE_PER_1K_CHARACTERS:g} per 1,000 characters of text",
    retires=RETIRES[MODEL].isoformat(),
)

OPTIONS = ("project", "location", "dimension", "endpoint", "model", "requests_per_minute", "concurrency")
_NOTICE_DAYS = 180


def load(model: str, /, **options: str) -> Embedder:
    """Make the embedder; the entry point behind `vertex` and `vertex:MODEL`.

    Args:
        model: The model with its version; empty is `multimodalembedding@001`.
        options: `project` (or GOOGLE_CLOUD_PROJECT, or that of the credentials), `location` (us-central1),
            `dimension` (128, 256, 512 or 1408, the default), `endpoint` (or GOOGLE_VERTEX_BASE_URL; Google's
            own for the location), `model`, `requests_per_minute` (120; 0 is no limit), `concurrency` (8).

    Raises:
        EmbedderUnavailable: An option is unknown or has a value that can't be.
    """
    reject_unknown_options("vertex", options, OPTIONS)
    location = _location(options.get("location", "us-central1"))
    name = _model(model, options.get("model", ""))
    google = f"https://{location}-aiplatform.googleapis.com"
    per_minute = _number("requests_per_minute", options, REQUESTS_PER_MINUTE, 0.0, 1e6)
    retires = RETIRES.get(name)
    service = Service(
        endpoint=_endpoint(options.get("endpoint") or os.environ.get("GOOGLE_VERTEX_BASE_URL") or google),
        project=options.get("project") or None,
        location=location,
        model=name,
        retires=retires.isoformat() if retires else None,
        requests_per_minute=per_minute or None,
        concurrency=int(_number("concurrency", options, 8, 1, 64, int)),
    )
    notice = retirement_notice(name, datetime.now(UTC).date()) if _is_google(service.endpoint) else None
    return VertexEmbedder(service, dimension=_dimension(options), notice=notice)


class VertexEmbedder:
    """Embeds pictures and texts by calling Vertex AI, one a call, as the service takes them.

    Args:
        service: Which model is asked, where, and how fast.
        dimension: The length of the vectors, one of `DIMENSIONS`.
        notice: What the person is to be warned of, once, when the service is first used.
    """

    def __init__(
        self, service: Service, *, dimension: int = DIMENSIONS[-1], notice: str | None = None
    ) -> None:
        google = _is_google(service.endpoint)
        self.info = EmbedderInfo(
            name="vertex",
            provider="vertex",
            model=service.model if google else f"{service.model} as {_host(service)} answers, not Google",
            dimension=dimension,
            preprocessing=f"whole picture, scaled down to fit {LONGEST_SIDE} px, sent as JPEG (quality 95)"
            + ("; Google resizes it to 512 x 512" if google else ""),
            fingerprint=_fingerprint(service, dimension),
            batch_size=1,
            concurrency=service.concurrency,
            max_text_tokens=MAX_WORDS,
            price_per_image=PRICE_PER_IMAGE,
            price_per_1k_characters=PRICE_PER_1K_CHARACTERS,
            requests_per_minute=service.requests_per_minute,
            licence=LICENCE,
            retires=service.retires if google else None,
        )
        self._client = VertexClient(service)
        self._notice = notice
        self._noticing = threading.Lock()

    def prepare_image(self, image: Image.Image) -> bytes:
        """Scale a picture down to `LONGEST_SIDE`, keeping its shape, and encode it; never up, never cropped.

        Returns:
            A JPEG without metadata. Colour is kept at full resolution (4:4:4), for a quarter more bytes than
            usual: halved, it would blur coloured edges before Google sees them.
        """
        scale = LONGEST_SIDE / max(image.size)
        if scale < 1.0:
            width, height = (max(1, round(side * scale)) for side in image.size)
            # With the gap, very large pictures are averaged in blocks first: as good, and much faster.
            image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=95, subsampling="4:4:4", comment=b"")
        return encoded.getvalue()

    def embed_images(self, prepared: Sequence[bytes]) -> Vectors:
        """Embed what `prepare_image` returned, each in a call of its own, `info.concurrency` at once.

        Returns:
            Shape (n, dimension), float32.

        Raises:
            EmbedderUnavailable: Credentials, project or permission are missing; the message says what to do.
            InputRejected: Vertex refuses a picture.
            TransientError: It failed for now, after several tries.
        """
        pictures = [{"image": {"bytesBase64Encoded": base64.b64encode(jpeg).decode()}} for jpeg in prepared]
        return self._embed(pictures, "imageEmbedding")

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, any number; same shape and errors as `embed_images`.

        Warns of a text with more than `MAX_WORDS` words: Vertex leaves out the rest without a word.
        """
        for text in texts:
            words = len(text.split())
            if not words:
                raise InputRejected("Vertex AI takes no empty text")
            if words > MAX_WORDS:
                warnings.warn(
                    f"Vertex AI reads about the first {MAX_WORDS} words of a text and leaves out the rest:"
                    f" {words} words in {text[:60]!r}…",
                    DiptychWarning,
                    stacklevel=2,
                )
        return self._embed([{"text": text} for text in texts], "textEmbedding")

    def _embed(self, instances: Sequence[Mapping[str, Any]], key: str) -> Vectors:
        self._give_notice()
        if len(instances) > 1:
            with ThreadPoolExecutor(min(len(instances), self.info.concurrency)) as pool:
                rows = list(pool.map(lambda instance: self._vector(instance, key), instances))
        else:
            rows = [self._vector(instance, key) for instance in instances]
        return np.array(rows, np.float32).reshape(len(rows), self.info.dimension)

    def _vector(self, instance: Mapping[str, Any], key: str) -> NDArray[np.float32]:
        dimension = self.info.dimension
        answer = self._client.predict({"instances": [instance], "parameters": {"dimension": dimension}})
        return read_vector(answer, key, dimension)

    def _give_notice(self) -> None:
        with self._noticing:
            notice, self._notice = self._notice, None
        if notice:
            warnings.warn(notice, DiptychWarning, stacklevel=4)


def read_vector(answer: Any, key: str, dimension: int) -> NDArray[np.float32]:
    """Find the vector in an answer, whatever the answer is.

    Args:
        answer: The JSON of a predict answer.
        key: `imageEmbedding` or `textEmbedding`.
        dimension: The length asked for.

    Returns:
        Shape (dimension,), float32, finite.

    Raises:
        TransientError: There is no vector in it, or one with numbers that are not finite.
        EmbedderUnavailable: The vector has another length.
    """
    predictions = answer.get("predictions") if isinstance(answer, dict) else None
    first = predictions[0] if isinstance(predictions, list) and predictions else None
    numbers = first.get(key) if isinstance(first, dict) else None
    if not isinstance(numbers, list):
        raise TransientError(f"Vertex AI answered without a vector (no {key}): run again later")
    try:
        with np.errstate(over="ignore"):
            vector = np.array(numbers, np.float32)
    except (TypeError, ValueError, OverflowError):
        vector = np.array([np.nan], np.float32)
    if not np.isfinite(vector).all():
        raise TransientError("Vertex AI answered with a vector of other than finite numbers: run again later")
    if vector.shape != (dimension,):
        raise EmbedderUnavailable(
            f"Vertex AI answered with {len(numbers)} numbers where {dimension} were asked for:"
            " check the model and the endpoint"
        )
    return vector


def retirement_notice(model: str, today: date) -> str | None:
    """What to warn of on a day, or None while a model's retirement is unknown or more than 180 days away.

    Args:
        model: The model with its version.
        today: The day.
    """
    retires = RETIRES.get(model)
    if retires is None or (retires - today).days > _NOTICE_DAYS:
        return None
    if today >= retires:
        return f"Google retired {model} on {retires}: calls will fail, stored vectors can still be compared"
    return (
        f"Google retires {model} on {retires} and may refuse new projects a month before:"
        " embed what you need until then, stored vectors can still be compared afterwards"
    )


def _fingerprint(service: Service, dimension: int) -> str:
    vectors = f"vertex:{service.model}?dimension={dimension} fit{LONGEST_SIDE} lanczos jpeg95 444"
    if _is_google(service.endpoint):
        return vectors
    # What another server answers, an emulator's say, must never pass for Google's.
    return f"{vectors} at {_host(service)}"


def _host(service: Service) -> str:
    return urlsplit(service.endpoint).netloc.lower()


def _is_google(endpoint: str) -> bool:
    return (urlsplit(endpoint).hostname or "").endswith(".googleapis.com")


def _model(in_spec: str, in_options: str) -> str:
    if in_spec and in_options and in_spec != in_options:
        raise EmbedderUnavailable(f"vertex is given two models, {in_spec} and {in_options}: name one")
    name = in_spec or in_options or MODEL
    if not re.fullmatch(r"multimodalembedding(@\w+)?", name):
        raise EmbedderUnavailable(f"vertex has no model {name!r}: it takes {MODEL}")
    return name if "@" in name else MODEL


def _location(name: str) -> str:
    if not re.fullmatch(r"[a-z]+-[a-z]+\d+", name):  # it becomes part of a host name that gets a token
        raise EmbedderUnavailable(f"vertex has no location {name!r}: it takes a region such as us-central1")
    return name


def _endpoint(address: str) -> str:
    """Check an endpoint, and drop the slash at its end. A token is sent there: not to be in the clear."""
    parts = re.fullmatch(
        r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(:(?P<port>\d{1,5}))?(/[\w./~-]*)?",
        address,
        re.ASCII | re.IGNORECASE,
    )
    local = parts and re.fullmatch(r"localhost|127(\.\d{1,3}){3}|\[::1\]", parts["host"].lower())
    if (
        parts is None
        or int(parts["port"] or 443) > 65535
        or (parts["scheme"].lower() == "http" and not local)
    ):
        raise EmbedderUnavailable(  # without the address, which may hold a password
            "vertex's endpoint must be like https://HOST, or http://127.0.0.1:PORT on this machine"
        )
    return address.rstrip("/")


def _dimension(options: Mapping[str, str]) -> int:
    text = options.get("dimension", str(DIMENSIONS[-1]))
    if text not in map(str, DIMENSIONS):
        *most, last = map(str, DIMENSIONS)
        raise EmbedderUnavailable(f"vertex has no dimension {text!r}: it takes {', '.join(most)} or {last}")
    return int(text)


def _number(
    name: str,
    options: Mapping[str, str],
    default: float,
    least: float,
    most: float,
    kind: Callable[[str], float] = float,
) -> float:
    text = options.get(name, str(default))
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise EmbedderUnavailable(f"vertex's {name} can't be {text!r}: it takes {least:g} to {most:g}")
    return number
