"""From bytes to stored vectors: decode → prepare → embed → store, overlapped and resumable.

Pictures are decoded and prepared in worker threads, once for all embedders that lack them, embedded from as
many threads as each embedder allows, and each batch is stored by the thread that got it, at once. Only a
window of pictures is in memory at any time. What is in the store already is not touched, so a run that was
stopped goes on where it was.
"""

from __future__ import annotations

from diptych.pipeline.images import Filled, embed_images, embedding
from diptych.pipeline.queries import QueriesFailed, embed_accepted, embed_queries, is_stored, left_out_note
from diptych.pipeline.together import embed_all
from diptych.pipeline.vectors import NamedVectors, image_vectors, iter_vectors

__all__ = [
    "Filled",
    "NamedVectors",
    "QueriesFailed",
    "embed_accepted",
    "embed_all",
    "embed_images",
    "embed_queries",
    "embedding",
    "image_vectors",
    "is_stored",
    "iter_vectors",
    "left_out_note",
]
