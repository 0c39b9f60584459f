"""What a run would take before anything is sent: pictures to embed, calls, minutes, money."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from diptych.embedders.base import Embedder, EmbedderInfo, PrecomputedImages
from diptych.embedders.budget import NOTHING, exact, list_price
from diptych.embedders.templates import fill
from diptych.errors import DiptychError
from diptych.images import Collection
from diptych.paths import prices_path
from diptych.queries import Query, TextQuery, texts_among
from diptych.store.vectors import Store


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run would take for one embedder.

    Attributes:
        name: The embedder.
        images: Pictures to embed, query pictures included.
        images_from_store: Pictures of the collection whose vectors are there already.
        texts: Query texts to embed, one for each template.
        calls: Calls of the embedder that this makes.
        minutes: By its rate limit and by its pace on this machine so far; None where neither is known.
        dollars: By the list price; 0 where it is free.
        price_known: Whether that is all of it: the price of some hosted models is not known.
        queries: Query texts that are not embedded yet in every template.
        null_texts: Texts of the null bank of which the same is true.
    """

    name: str
    images: int
    images_from_store: int
    texts: int
    calls: int
    minutes: float | None
    dollars: float
    price_known: bool = True
    queries: int = 0
    null_texts: int = 0


def price(info: EmbedderInfo, images: int, texts: Sequence[str]) -> Decimal:
    """US dollars by the list price for embedding so many images and these texts, each in every template."""
    return list_price(info, images, [sent for text in texts for sent in fill(info.templates, text)])


def estimate(
    collection: Collection,
    queries: Sequence[Query],
    embedder: Embedder,
    store: Store,
    bank: Sequence[TextQuery] = (),
) -> Estimate:
    """Estimate what it takes to embed the collection, the queries and the null bank, given what is stored."""
    info = embedder.info
    ids = collection.ids
    if isinstance(embedder, PrecomputedImages):
        images, from_store = 0, len(ids)
    else:
        from_store = len(store.known(info.fingerprint, "image", ids))
        asked = {query.id for query in queries if query.kind == "image"} - set(ids)
        images = len(ids) - from_store + len(asked - store.known(info.fingerprint, "image", list(asked)))
    asked_texts = dict.fromkeys(texts_among(queries))
    of_text = {
        text: [TextQuery(sent) for sent in fill(info.templates, text.text)]
        for text in dict.fromkeys([*asked_texts, *bank])
    }
    by_id = {query.id: query.text for sent in of_text.values() for query in sent}
    known = store.known(info.fingerprint, "text", list(by_id))
    texts = [text for item, text in by_id.items() if item not in known]
    fresh = {text for text, sent in of_text.items() if any(query.id not in known for query in sent)}
    calls = math.ceil(images / info.batch_size) + math.ceil(len(texts) / info.batch_size)
    return Estimate(
        name=info.name,
        images=images,
        images_from_store=from_store,
        texts=len(texts),
        calls=calls,
        minutes=_minutes(info, images, calls, store.pace(info.fingerprint)),
        dollars=float(list_price(info, images, texts)),
        price_known=info.price_known or not (images or texts),
        queries=sum(text in fresh for text in asked_texts),
        null_texts=sum(text in fresh for text in bank if text not in asked_texts),
    )


def check_budget(infos: Sequence[EmbedderInfo], estimates: Sequence[Estimate], most: Decimal) -> None:
    """Refuse a run that would cost more than is allowed, or nobody knows how much.

    Args:
        infos: The embedders.
        estimates: What the run would take for each.
        most: US dollars that may still be spent.

    Raises:
        DiptychError: It would.
    """
    unknown = [estimate.name for estimate in estimates if not estimate.price_known]
    if unknown:
        raise DiptychError(
            f"what {' and '.join(unknown)} would cost is not known: write its prices into {prices_path()}"
            " or set no limit; nothing was sent"
        )
    # Embedders of one fingerprint share their vectors: what one embeds the other finds. Texts are others
    # where the templates are.
    of_images, of_texts = {}, {}
    for info, expected in zip(infos, estimates, strict=True):
        of_images[info.fingerprint] = price(info, expected.images, [])
        of_texts[info.scoring] = exact(expected.dollars) - of_images[info.fingerprint]
    dollars = sum(of_images.values(), NOTHING) + sum(of_texts.values(), NOTHING)
    if dollars > most:
        raise DiptychError(
            f"this would cost about ${dollars:.4f}, more than the ${most:.4f} allowed;"
            " nothing was sent (`diptych estimate` shows the parts)"
        )


def _minutes(info: EmbedderInfo, images: int, calls: int, pace: float | None) -> float | None:
    by_rate = calls / info.requests_per_minute if info.requests_per_minute else None
    by_pace = images * pace / 60 if pace is not None else None
    known = [minutes for minutes in (by_rate, by_pace) if minutes is not None]
    return max(known) if known else (0.0 if calls == 0 else None)
