"""What a shell offers when Tab is pressed; `diptych --install-completion` makes it do so."""

from __future__ import annotations

import os
from pathlib import Path, PurePath


def complete_embedder(incomplete: str) -> list[tuple[str, str]]:
    """The embedders whose names begin so, each with what it is; well-known names first."""
    from diptych.embedders.cards import cards
    from diptych.embedders.registry import WELL_KNOWN

    known = cards()
    offered = dict.fromkeys(WELL_KNOWN, "")
    for provider, card in known.items():
        offered |= dict.fromkeys([provider, *(model.spec for model in card.models)], card.about)
    return [(name, about) for name, about in offered.items() if name.startswith(incomplete)]


def complete_source(incomplete: str) -> list[str]:
    """`sample`, and what lies there under a name that begins so and may be a source of pictures."""
    from diptych.images.sources import SAMPLE, may_be_source

    folder, _, begun = incomplete.rpartition("/")
    before = f"{folder}/" if "/" in incomplete else ""
    try:
        with os.scandir(Path(before or ".").expanduser()) as items:
            there = [item for item in items if item.name.startswith(begun) and may_be_source(item)]
    except OSError:
        there = []
    found = sorted(f"{before}{PurePath(item.name)}{'/' if item.is_dir() else ''}" for item in there)
    return [*([SAMPLE] if SAMPLE.startswith(incomplete) else []), *found]
