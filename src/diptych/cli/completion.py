"""What a shell offers when Tab is pressed; `diptych --install-completion` makes it do so."""

from __future__ import annotations

import os
import shlex
from collections.abc import MutableMapping
from pathlib import Path, PurePath


def complete_embedder(incomplete: str) -> list[tuple[str, str]]:
    """The embedders whose names begin so, also after `NAME=`, each with what it is; well-known ones first."""
    from diptych.embedders.cards import cards
    from diptych.embedders.spec import WELL_KNOWN

    alias, equals, begun = incomplete.rpartition("=")
    known = cards()
    offered = dict.fromkeys(WELL_KNOWN, "")
    for provider, card in known.items():
        offered |= dict.fromkeys([provider, *(model.spec for model in card.models)], card.about)
    return [(f"{alias}{equals}{name}", about) for name, about in offered.items() if name.startswith(begun)]


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


def rejoin_words(environ: MutableMapping[str, str]) -> None:
    """Put together again what bash takes apart before it asks for completions.

    `-e clip=mini` comes as the words `-e clip = mini`, and bash takes what may stand in place of the last.

    Args:
        environ: Where bash says what was typed, `COMP_WORDS`, and which word to complete, `COMP_CWORD`.
    """
    try:
        words, current = shlex.split(environ["COMP_WORDS"]), int(environ["COMP_CWORD"])
    except (KeyError, ValueError):  # another shell, or an open quote
        return
    words = [*words, ""][: current + 1]
    if "=" not in words:
        return
    *joined, last = _joined(words)
    if "=" in words[-2:]:
        option = last.partition("=")[0]
        joined += [option] if option.startswith("--") else []
        last = "" if words[-1] == "=" else words[-1]
    environ["COMP_WORDS"] = shlex.join([*joined, last] if last else joined)
    environ["COMP_CWORD"] = str(len(joined))


def _joined(words: list[str]) -> list[str]:
    joined: list[str] = []
    for place, word in enumerate(words):
        if place and "=" in {word, words[place - 1]}:
            joined[-1] += word
        else:
            joined.append(word)
    return joined
