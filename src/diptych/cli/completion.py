"""What the shell completes: specs, also after `NAME=`."""

from __future__ import annotations

import shlex
from collections.abc import MutableMapping


def complete_embedder(incomplete: str) -> list[str]:
    """What a spec that is begun may become; after `NAME=` the spec is completed."""
    from diptych.embedders.registry import known_names

    alias, equals, begun = incomplete.rpartition("=")
    return [f"{alias}{equals}{name}" for name in known_names() if name.startswith(begun)]


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
