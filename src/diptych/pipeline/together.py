"""Several embedders go through the pictures in one pass, each in a thread and on a lane of its own."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial

from diptych.embedders.base import Embedder
from diptych.embedders.budget import Funds
from diptych.images import Collection
from diptych.pipeline.images import Filled, embed_images
from diptych.pipeline.reading import Lane, PictureReader
from diptych.progress import Progress, Silent
from diptych.store.vectors import Store


def embed_all(
    collection: Collection,
    embedders: Sequence[Embedder],
    store: Store,
    *,
    funds: Funds | None = None,
    progress: Progress = Silent(),
) -> dict[str, Filled]:
    """Fill the store with several embedders' vectors of a collection's pictures, each picture decoded once.

    One that fails holds up no other: what it raises is raised when the others are done.

    Args:
        collection: The pictures.
        embedders: Who embeds them, each by another name.
        store: Where vectors are filed.
        funds: What they may spend together; None for any sum.
        progress: Who watches; each embedder is a task of its own.

    Returns:
        What `embed_images` says of each, by its name.

    Raises:
        DiptychError: As `embed_images`, of the first of those that failed.
    """
    reader = PictureReader(collection)
    filled: dict[str, Filled] = {}

    def embed(some: Sequence[Embedder], lane: Lane) -> None:
        with lane:
            for embedder in some:
                filled[embedder.info.name] = embed_images(
                    collection, embedder, store, funds=funds, progress=progress, lane=lane
                )

    work = [(some, reader.lane(some[0])) for some in _sharing_vectors(embedders)]
    if len(work) == 1:
        embed(*work[0])
        return filled
    with ThreadPoolExecutor(max(1, len(work)), "lane") as threads:
        running = [threads.submit(partial(copy_context().run, embed, *each)) for each in work]
        try:
            wait(running)
        except BaseException:
            reader.stop()
            raise
    for each in running:
        each.result()
    return {embedder.info.name: filled[embedder.info.name] for embedder in embedders}


def _sharing_vectors(embedders: Sequence[Embedder]) -> list[list[Embedder]]:
    """Those of one fingerprint together: what the first embeds the others find."""
    found: dict[str, list[Embedder]] = {}
    for embedder in embedders:
        found.setdefault(embedder.info.fingerprint, []).append(embedder)
    return list(found.values())
