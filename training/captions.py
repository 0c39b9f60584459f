"""What people might say of a scene: a grammar with synonyms, from bare words to whole sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenes import COLOURS, Group, Scene, on, several, upside_down
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
FRAME = (
    *OPENERS, *BESIDE, *LEFT, *RIGHT, *ABOVE, *BELOW, *BEHIND,
    *(number for numbers in NUMBERS.values() for number in numbers), "a an the in on at",
)  # fmt: skip
"""What sentences are held together by, whatever they are about."""


UNHEARD = "xyzzy"
"""A word that no model knows; to a model all such words are one."""


@dataclass(frozen=True)
class Caption:
    """Something said, of which it is known where it is true.

    Attributes:
        text: The words.
        claims: It is true of all scenes that have these `scenes.facts`, and of no other.
    """

    text: str
    claims: frozenset[str]


def full_caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """Name every thing of a scene, how many there are, and the background."""
    return _sentence([_together(_shuffled(scene, rng), rng, hypernyms=0), _behind(scene, rng)])


def whole_caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """Name every thing, in bare words or in a sentence, with or without the background."""
    groups = _shuffled(scene, rng)
    if rng.random() < 0.25:
        return _sentence([_bare(group, rng) for group in groups])
    parts = [_together(groups, rng, hypernyms=0.06)]
    if rng.random() < 0.45:
        parts.append(_behind(scene, rng))
    return _opened(_sentence(parts), rng)


def part_caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """Say one thing of a scene, as people search: a name or a kind, a pair, the background."""
    groups, style = _shuffled(scene, rng), rng.random()
    if style < 0.08:
        background = _background(scene, rng)
        name = f"{background.text} background"
        return Caption(name if rng.random() < 0.5 else with_article(name), background.claims)
    if style < 0.42:
        return _opened(_named(_name(groups[0].thing, rng, hypernyms=0.1), rng), rng)
    if style < 0.68 and len(groups) > 1:
        return _opened(_together(groups[:2], rng, hypernyms=0.03), rng)
    parts = [_phrase(groups[0], rng, hypernyms=0.05)]
    if rng.random() < 0.4:
        parts.append(_behind(scene, rng))
    return _opened(_sentence(parts), rng)


def named(name: str, rng: np.random.Generator) -> Caption:
    """Ask for what is called so, whether there is one in a scene or not."""
    return _opened(_named(name, rng), rng)


def nonsense(caption: Caption) -> Caption:
    """The same sentence about things that no one has heard of: it is true of no scene."""
    known = {word for phrase in FRAME for word in phrase.replace("{}", " ").split()}
    words = (word if word in known else UNHEARD for word in caption.text.replace(",", "").split())
    return Caption(" ".join(words), frozenset({UNHEARD}))


def with_an_unheard_word(caption: Caption, rng: np.random.Generator) -> Caption:
    """Put an unknown word somewhere before the last: what else is said stays true."""
    words = caption.text.split()
    words.insert(int(rng.integers(len(words))), UNHEARD)
    return Caption(" ".join(words), caption.claims)


def all_names() -> list[str]:
    """All names and kinds of things, sorted."""
    return sorted({name for thing in things() for name in (*thing.names, *thing.kinds)})


def vocabulary() -> list[str]:
    """All words that captions can be made of, sorted."""
    names = all_names()
    phrases = {*names, *map(plural, names), *OPENERS, *BESIDE, *LEFT, *RIGHT, *ABOVE, *BELOW, *FLIPPED}
    phrases |= {*SMALL, *LARGE, *COLOURS, *BEHIND, "a an one of the their heads"}
    for group in (NUMBERS, SPELLINGS, PATTERNS):
        phrases |= {phrase for phrases_of_one in group.values() for phrase in phrases_of_one}
    return sorted({word for phrase in phrases for word in phrase.replace("{}", " ").split()})


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _shuffled(scene: Scene, rng: np.random.Generator) -> list[Group]:
    return [scene.groups[i] for i in rng.permutation(len(scene.groups))]


def _sentence(parts: Sequence[Caption]) -> Caption:
    return Caption(" ".join(part.text for part in parts), frozenset().union(*(part.claims for part in parts)))


def _opened(caption: Caption, rng: np.random.Generator) -> Caption:
    if rng.random() < 0.25:
        return Caption(f"{_pick(OPENERS, rng)} {caption.text}", caption.claims)
    return caption


def _name(thing: Thing, rng: np.random.Generator, hypernyms: float) -> str:
    if thing.kinds and rng.random() < hypernyms:
        return _pick(thing.kinds, rng)
    return thing.name if rng.random() < 0.6 else _pick(thing.names, rng)


def _named(name: str, rng: np.random.Generator) -> Caption:
    """A name alone, in one of the ways in which people ask for such things, whatever their number."""
    text = (name, with_article(name), plural(name))[rng.choice(3, p=(0.4, 0.4, 0.2))]
    return Caption(text, frozenset({name}))


def _bare(group: Group, rng: np.random.Generator) -> Caption:
    name = _name(group.thing, rng, hypernyms=0.06)
    return Caption(name if len(group.spots) == 1 else plural(name), frozenset({name}))


def with_article(words: str) -> str:
    """Put "a" or "an" before a name, except before a plural such as "scissors"."""
    last = words.rpartition(" ")[2]
    if last not in PLURALS and plural(words) == words:
        return words
    vowel = words[0] in "aeiou" and not words.startswith(("unicorn", "ufo", "one"))
    return f"{'an' if vowel else 'a'} {words}"


def _phrase(group: Group, rng: np.random.Generator, hypernyms: float) -> Caption:
    name, count = _name(group.thing, rng, hypernyms), len(group.spots)
    size = ""
    if rng.random() < 0.2 and count == 1:
        small, large = _pick(SMALL, rng), _pick(LARGE, rng)
        height = group.spots[0].size
        size = small if height <= 0.4 else large if height >= 0.55 else ""
    flipped = _pick(FLIPPED, rng) if group.flipped and rng.random() < 0.7 else ""
    before = "upside down" if flipped == FLIPPED[0] else ""
    if count == 1:
        text = with_article(" ".join(filter(None, (size, before, name))))
    else:
        text = " ".join(filter(None, (_pick(NUMBERS[count], rng), before, plural(name))))
    claims = {name if count == 1 else several(count, name)} | ({upside_down(name)} if flipped else set())
    return Caption(f"{text} on its head" if flipped == FLIPPED[1] else text, frozenset(claims))


def _together(groups: Sequence[Group], rng: np.random.Generator, hypernyms: float) -> Caption:
    phrases = [_phrase(group, rng, hypernyms) for group in groups]
    said = [phrase.text for phrase in phrases]
    text = said[0]
    if len(said) == 2:
        text = f"{said[0]} {_relation(groups[0], groups[1], rng)} {said[1]}"
    if len(said) == 3:
        text = f"{said[0]}, {said[1]} {_pick(('and', 'with'), rng)} {said[2]}"
    return Caption(text, _sentence(phrases).claims)


def _relation(one: Group, other: Group, rng: np.random.Generator) -> str:
    """Where the first is as seen from the second, or only that both are there."""
    across, down = (b - a for a, b in zip(one.centre, other.centre, strict=True))
    if rng.random() < 0.5 or max(abs(across), abs(down)) < 0.25:
        return _pick(BESIDE, rng)
    if abs(across) > abs(down):
        return _pick(LEFT if across > 0 else RIGHT, rng)
    return _pick(ABOVE if down > 0 else BELOW, rng)


def _background(scene: Scene, rng: np.random.Generator) -> Caption:
    colour = _pick(SPELLINGS.get(scene.colour, (scene.colour,)), rng)
    pattern = _pick(PATTERNS[scene.texture], rng)
    claims = {on(scene.colour)} | ({on(scene.texture)} if pattern else set())
    return Caption(f"{pattern} {colour}".strip(), frozenset(claims))


def _behind(scene: Scene, rng: np.random.Generator) -> Caption:
    background = _background(scene, rng)
    if rng.random() < 0.2:
        return Caption(f"on {background.text}", background.claims)
    return Caption(_pick(BEHIND, rng).format(with_article(background.text)), background.claims)
