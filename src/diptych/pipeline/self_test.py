"""An embedder is tried out when it is first used, and the store remembers what was found."""

from __future__ import annotations

import warnings

from diptych.embedders import Embedder
from diptych.embedders.self_check import complaints, try_out
from diptych.errors import DiptychError, DiptychWarning
from diptych.store.vectors import Store


def what_is_wrong(embedder: Embedder, store: Store) -> str:
    """Why an embedder looks broken, or nothing; it is tried at most once with a store."""
    info = embedder.info
    found = store.complaints(info.fingerprint)
    if found is None:
        try:
            found = complaints(try_out(embedder))
        except DiptychError:  # it can't be used now, which is said where it is used
            return ""
        store.put_complaints(info.fingerprint, found)
    if not found:
        return ""
    return f"looks broken: {found[0]} (`diptych doctor --embedder` says all that was tried)"


def warn_if_broken(embedder: Embedder, store: Store) -> None:
    """Warn of an embedder that looks broken."""
    wrong = what_is_wrong(embedder, store)
    if wrong:
        warnings.warn(f"{embedder.info.name} {wrong}", DiptychWarning, stacklevel=4)
