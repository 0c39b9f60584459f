"""The embedder of all hosted providers: pictures as JPEG, requests side by side, vectors in order."""

from __future__ import annotations

import base64
import io
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.embedders.base import (
    EmbedderInfo,
    EmbedderUnavailable,
    InputRejected,
    RequestRefused,
    ServiceDown,
    TransientError,
    Vectors,
)
from diptych.embedders.budget import Account, account_here, list_price
from diptych.embedders.hosted.bill import Bill, Unanswered
from diptych.embedders.hosted.client import HostedClient
from diptych.embedders.hosted.provider import HostedSettings, Kind, Provider, retirement_notice
from diptych.embedders.prices import terms
from diptych.errors import DiptychWarning

LONGEST_SIDE = 1024
"""Pixels. The services shrink further; sending no more saves time and stays clear of their limits."""


_TRIES_ALONE = 2
"""Of a request for one picture or text that failed at every try in a batch."""


class HostedEmbedder:
    """Embeds pictures and texts by asking a service; pays for each request at the account of who asks.

    Args:
        settings: Which model of which service is asked, where, and how fast.
        notice: What the person is to be warned of, once, when the service is first used.
    """

    only_looks = True
    pays_by_request = True

    def __init__(self, settings: HostedSettings, *, notice: str | None = None) -> None:
        self.info = _info(settings)
        self._settings = settings
        self._client = HostedClient(
            lambda client: settings.provider.connect(settings, client), settings.limits
        )
        self._notice = notice
        self._noticing = threading.Lock()
        self._worked: set[Kind] = set()
        self._failed: set[int] = set()  # hashes of what failed for now at every try
        self._unanswered = Unanswered()

    @classmethod
    def of(cls, provider: Provider, model: str, options: Mapping[str, str]) -> HostedEmbedder:
        """The embedder that a spec's model and options ask for, with the notice that is due today.

        Raises:
            EmbedderUnavailable: An option is unknown or has a value that can't be.
        """
        settings = provider.settings(model, options)
        today = datetime.now(UTC).date()
        notice = retirement_notice(provider, settings.model, today) if settings.genuine else None
        return cls(settings, notice=notice)

    def prepare_image(self, image: Image.Image) -> bytes:
        """Scale a picture down to `LONGEST_SIDE`, keeping its shape, and encode it; never up, never cropped.

        Returns:
            A JPEG without metadata. Colour is kept at full resolution (4:4:4), for a quarter more bytes than
            usual: halved, it would blur coloured edges before the service sees them.
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
        """Embed what `prepare_image` returned, `info.concurrency` requests at once.

        Returns:
            Shape (n, dimension), float32; a row of NaN where the service gave vectors for others only.

        Raises:
            EmbedderUnavailable: Credentials or permission are missing; the message says what to do.
            InputRejected: The service refuses a picture.
            TransientError: It failed for now, after several tries.
            ServiceDown: It is out of reach, or its quota is used up.
        """
        return self._embed("image", [base64.b64encode(jpeg).decode() for jpeg in prepared])

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, any number; same shape and errors as `embed_images`.

        Warns of a text with more words than the model reads tokens: the rest is left out without a word.
        """
        limit, title = self.info.max_text_tokens, self._settings.provider.title
        for text in texts:
            words = len(text.split())
            if not words:
                raise InputRejected(f"{title} takes no empty text")
            if limit is not None and words > limit:
                warnings.warn(
                    f"{title} reads about the first {limit} words of a text and leaves out the rest:"
                    f" {words} words in {text[:60]!r}…",
                    DiptychWarning,
                    stacklevel=2,
                )
        return self._embed("text", texts)

    def _embed(self, kind: Kind, items: Sequence[str]) -> Vectors:
        self._give_notice()
        account, size = account_here(self.info.name), self.info.batch_size
        batches = [items[start : start + size] for start in range(0, len(items), size)]
        if len(batches) > 1:
            with ThreadPoolExecutor(min(len(batches), self.info.concurrency)) as pool:
                found = list(pool.map(lambda batch: self._ask(kind, batch, account), batches))
        else:
            found = [self._ask(kind, batch, account) for batch in batches]
        rows = [row for batch in found for row in batch]
        return np.array(rows, np.float32).reshape(len(rows), self.info.dimension)

    def _ask(self, kind: Kind, items: Sequence[str], account: Account) -> list[NDArray[np.float32]]:
        provider, client = self._settings.provider, self._client
        hashes = {hash(item) for item in items}
        bill = self._bill(kind, items, hashes, account)
        # What failed at every try in company may be to blame or not: it is not paid for as often again.
        most = (1 if len(items) > 1 else _TRIES_ALONE) if hashes <= self._failed else None
        request, worked = provider.ask(self._settings, kind, items), kind in self._worked
        try:
            answer = client.ask(request, bill, most=most, worked=worked)
            vectors = read_vectors(
                provider.title,
                lambda: provider.read(kind, answer),
                len(items),
                self.info.dimension,
                said=client.said(answer),
            )
        except ServiceDown:
            raise
        except TransientError:
            self._failed.update(hashes)
            if len(items) == 1:
                self._unanswered.forget(hashes)
            raise
        except RequestRefused as refused:
            if kind == "image":
                raise
            raise EmbedderUnavailable(str(refused)) from refused  # a text has no dimensions of its own
        self._failed.difference_update(hashes)
        self._unanswered.forget(hashes)
        self._worked.add(kind)
        return vectors

    def _bill(self, kind: Kind, items: Sequence[str], hashes: Set[int], account: Account) -> Bill:
        """What asking for these costs.

        Raises:
            TransientError: They were sent together without an answer: they are to be asked for apart.
        """
        images, texts = (len(items), ()) if kind == "image" else (0, items)
        bill = Bill(account, list_price(self.info, images, texts), hashes, self._unanswered)
        if len(items) > 1 and not bill.may_be_sent:
            raise TransientError(
                f"{self._settings.provider.title} gave no answer to a request for all of these"
            )
        return bill

    def _give_notice(self) -> None:
        with self._noticing:
            notice, self._notice = self._notice, None
        if notice:
            warnings.warn(notice, DiptychWarning, stacklevel=4)


def loader(provider: Provider) -> Callable[..., HostedEmbedder]:
    """What the entry point of a provider names, where nothing else is chosen from the options."""

    def load(model: str, /, **options: str) -> HostedEmbedder:
        return HostedEmbedder.of(provider, model, options)

    return load


def in_order(entries: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The vectors of `{"embedding", "index"}` objects, in the order of what was asked."""
    places = {entry.get("index", place): entry["embedding"] for place, entry in enumerate(entries)}
    return [places[place] for place in range(len(entries))]


def read_vectors(
    title: str, read: Callable[[], Any], count: int, dimension: int, *, said: str = ""
) -> list[NDArray[np.float32]]:
    """Find the vectors in an answer, whatever the answer is.

    Args:
        title: Who answered.
        read: Finds them, one after another; may fail in every way that an unexpected shape makes it.
        count: How many were asked for.
        dimension: Their length.
        said: What the service says in the answer, where it says that something went wrong.

    Returns:
        Each of shape (dimension,), float32; of NaN where only others came, or not of finite numbers.

    Raises:
        TransientError: There is no vector that can be used.
        EmbedderUnavailable: A vector has another length.
    """
    said = f" (it said: {said})" if said else ""
    try:
        rows = list(read())
    except (LookupError, TypeError, AttributeError, ValueError):
        rows = []
    if len(rows) != count or not any(isinstance(row, list) for row in rows):
        what = "a vector" if count == 1 else f"{count} vectors"
        raise TransientError(f"{title} answered without {what}{said}: run again later")
    vectors = [_vector(title, row, dimension) for row in rows]
    if not any(np.isfinite(vector).all() and vector.any() for vector in vectors):
        what = "of zeros" if np.isfinite(vectors).all() else "of other than finite numbers"
        raise TransientError(f"{title} answered with a vector {what}{said}: run again later")
    return vectors


def _vector(title: str, numbers: Any, dimension: int) -> NDArray[np.float32]:
    none = np.full(dimension, np.nan, np.float32)
    if not isinstance(numbers, list):
        return none
    try:
        with np.errstate(over="ignore"):
            vector = np.array(numbers, np.float32)
    except (TypeError, ValueError, OverflowError):
        return none
    if vector.shape != (dimension,) and np.isfinite(vector).all():
        raise EmbedderUnavailable(
            f"{title} answered with {len(numbers)} numbers where {dimension} were asked for:"
            " check the model and the endpoint"
        )
    return vector if vector.shape == (dimension,) else none


def _info(settings: HostedSettings) -> EmbedderInfo:
    provider, genuine = settings.provider, settings.genuine
    known, offer = provider.models.get(settings.model), terms(provider.name, settings.model)
    model = f"{settings.model}{provider.route}"
    seen = f"whole picture, scaled down to fit {LONGEST_SIDE} px, sent as JPEG (quality 95)"
    parts = [seen, provider.sees if genuine else "", provider.sides]
    return EmbedderInfo(
        name=provider.name,
        provider=provider.name,
        model=model if genuine else f"{model} as {settings.host} answers, not {provider.maker}",
        dimension=settings.dimension,
        preprocessing="; ".join(part for part in parts if part),
        fingerprint=_fingerprint(settings),
        batch_size=provider.batch_size,
        concurrency=settings.limits.concurrency,
        max_text_tokens=known.text_tokens if known else None,
        price_per_image=offer.per_image,
        price_per_1k_characters=offer.per_1k_characters,
        price_known=offer.price_known,
        requests_per_minute=settings.limits.requests_per_minute,
        licence=f"{provider.maker}'s terms of service",
        retires=offer.retires.isoformat() if offer.retires and genuine else None,
    )


def _fingerprint(settings: HostedSettings) -> str:
    provider = settings.provider
    vectors = f"{provider.name}:{settings.model}{provider.route}?dimension={settings.dimension}"
    vectors += f" fit{LONGEST_SIDE} lanczos jpeg95 444"
    if provider.form:
        vectors += f" {provider.form}"
    if settings.genuine:
        return vectors
    # What another server answers, an emulator's say, must never pass for the maker's.
    return f"{vectors} at {settings.host}"
