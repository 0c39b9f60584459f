"""What people might say of a scene: a grammar with synonyms, from bare words to whole sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scenes import COLOURS, Group, Scene
from things import PLURALS, Thing, plural, things

OPENERS = (
    "a picture of", "a photo of", "an image of", "a drawing of", "an illustration of", "a scene with",
    "there is", "picture of", "photo of", "this is",
)  # fmt: skip
NUMBERS = {2: ("two", "2", "a pair of", "a couple of"), 3: ("three", "3", "several", "some")}
SMALL, LARGE = ("small", "little", "tiny"), ("big", "large", "huge")
BESIDE = ("and", "with", "next to", "beside", "and", "with")
LEFT, RIGHT = ("left of", "to the left of"), ("right of", "to the right of")
ABOVE, BELOW = ("above", "over"), ("below", "under")
FLIPPED = ("upside down", "on its head")
SPELLINGS = {
    "grey": ("grey", "gray"),
    "light blue": ("light blue", "sky blue", "pale blue"),
    "light green": ("light green", "pale green"),
    "purple": ("purple", "violet"),
    "turquoise": ("turquoise", "teal"),
    "blue": ("blue", "dark blue"),
}
PATTERNS = {
    "plain": ("", "", "plain"),
    "shaded": ("", "shaded"),
    "striped": ("striped", "stripy", ""),
    "dotted": ("dotted", "spotted", ""),
    "checked": ("checked", "chequered", ""),
}
BEHIND = ("on {} background", "on {} background", "with {} background", "in front of {} background")


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """Say something true of a scene, short or long, of all of it or a part."""
    style = rng.random()
    groups = [scene.groups[i] for i in rng.permutation(len(scene.groups))]
    if style < 0.04:
        return f"{_background(scene, rng)} background"
    if style < 0.22:
        return " ".join(_bare(group, rng) for group in groups)
    if style < 0.36:
        groups = groups[:1]
    text = _together(groups, rng, hypernyms=0.06)
    if rng.random() < 0.45:
        text += " " + _behind(scene, rng)
    if rng.random() < 0.25:
        text = f"{_pick(OPENERS, rng)} {text}"
    return text


def full_caption(scene: Scene, rng: np.random.Generator) -> str:
    """Name every thing of a scene, how many there are, and the background."""
    groups = [scene.groups[i] for i in rng.permutation(len(scene.groups))]
    return f"{_together(groups, rng, hypernyms=0)} {_behind(scene, rng)}"


def vocabulary() -> list[str]:
    """All words that captions can be made of, sorted."""
    names = {name for thing in things() for name in (*thing.names, *thing.kinds)}
    phrases = {*names, *map(plural, names), *OPENERS, *BESIDE, *LEFT, *RIGHT, *ABOVE, *BELOW, *FLIPPED}
    phrases |= {*SMALL, *LARGE, *COLOURS, *BEHIND, "a an one of the their heads"}
    for group in (NUMBERS, SPELLINGS, PATTERNS):
        phrases |= {phrase for phrases_of_one in group.values() for phrase in phrases_of_one}
    return sorted({word for phrase in phrases for word in phrase.replace("{}", " ").split()})


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _name(thing: Thing, rng: np.random.Generator, hypernyms: float) -> str:
    if thing.kinds and rng.random() < hypernyms:
        return _pick(thing.kinds, rng)
    return thing.name if rng.random() < 0.6 else _pick(thing.names, rng)


def _bare(group: Group, rng: np.random.Generator) -> str:
    name = _name(group.thing, rng, hypernyms=0.06)
    return name if len(group.spots) == 1 else plural(name)


def with_article(words: str) -> str:
    """Put "a" or "an" before a name, except before a plural such as "scissors"."""
    last = words.rpartition(" ")[2]
    if last not in PLURALS and plural(words) == words:
        return words
    vowel = words[0] in "aeiou" and not words.startswith(("unicorn", "ufo", "one"))
    return f"{'an' if vowel else 'a'} {words}"


def _phrase(group: Group, rng: np.random.Generator, hypernyms: float) -> str:
    name = _name(group.thing, rng, hypernyms)
    size = ""
    if rng.random() < 0.2 and len(group.spots) == 1:
        small, large = _pick(SMALL, rng), _pick(LARGE, rng)
        height = group.spots[0].size
        size = small if height <= 0.4 else large if height >= 0.55 else ""
    flipped = _pick(FLIPPED, rng) if group.flipped and rng.random() < 0.7 else ""
    before = "upside down" if flipped == FLIPPED[0] else ""
    if len(group.spots) == 1:
        text = with_article(" ".join(filter(None, (size, before, name))))
    else:
        text = " ".join(filter(None, (_pick(NUMBERS[len(group.spots)], rng), before, plural(name))))
    return f"{text} on its head" if flipped == FLIPPED[1] else text


def _together(groups: Sequence[Group], rng: np.random.Generator, hypernyms: float) -> str:
    phrases = [_phrase(group, rng, hypernyms) for group in groups]
    if len(phrases) == 1:
        return phrases[0]
    if len(phrases) == 2:
        return f"{phrases[0]} {_relation(groups[0], groups[1], rng)} {phrases[1]}"
    return f"{phrases[0]}, {phrases[1]} {_pick(('and', 'with'), rng)} {phrases[2]}"


def _relation(one: Group, other: Group, rng: np.random.Generator) -> str:
    """Where the first is as seen from the second, or only that both are there."""
    across, down = (b - a for a, b in zip(one.centre, other.centre, strict=True))
    if rng.random() < 0.5 or max(abs(across), abs(down)) < 0.25:
        return _pick(BESIDE, rng)
    if abs(across) > abs(down):
        return _pick(LEFT if across > 0 else RIGHT, rng)
    return _pick(ABOVE if down > 0 else BELOW, rng)


def _background(scene: Scene, rng: np.random.Generator) -> str:
    colour = _pick(SPELLINGS.get(scene.colour, (scene.colour,)), rng)
    return " ".join(filter(None, (_pick(PATTERNS[scene.texture], rng), colour)))


def _behind(scene: Scene, rng: np.random.Generator) -> str:
    background = _background(scene, rng)
    if rng.random() < 0.2:
        return f"on {background}"
    return _pick(BEHIND, rng).format(with_article(background))
