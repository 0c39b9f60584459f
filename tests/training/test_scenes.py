"""Scenes and captions: that they are true, and that nothing held out is trained on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import captions
import draw_sample
from scenes import COLOURS, TEXTURES, Scene, compose, draw, facts, on, part_of, random_scene, several
from support import need
from things import Thing, plural, things

seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)
named = st.sampled_from(things())


def test_every_glyph_is_one_thing_with_names() -> None:
    glyphs = [thing.glyph for thing in things()]
    assert len(set(glyphs)) == len(glyphs) >= 300
    for thing in things():
        assert len(thing.glyph) == 1
        assert thing.names
        assert all(name and name == name.lower().strip() for name in (*thing.names, *thing.kinds))


def test_every_glyph_is_drawn_and_differs_from_all_others(font: None) -> None:
    drawn = {}
    for thing in things():
        scene = compose(np.random.default_rng(0), [thing], [1], "white", "plain", may_flip=False)
        drawn[draw(scene, 64).tobytes()] = thing.glyph
    assert len(drawn) == len(things())


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("wolf", "wolves"),
        ("red apple", "red apples"),
        ("slice of pizza", "slices of pizza"),
        ("face with a mask", "faces with a mask"),
        ("cherry blossom", "cherry blossoms"),
        ("fox", "foxes"),
        ("sheep", "sheep"),
        ("bus", "buses"),
        ("scissors", "scissors"),
        ("daisy", "daisies"),
        ("monkey", "monkeys"),
    ],
)
def test_plurals_are_those_of_english(one: str, many: str) -> None:
    assert plural(one) == many


def pairs(scene: Scene) -> Iterator[frozenset[str]]:
    """What is seen together in a scene: each thing with the background, its number and every other thing."""
    for group in scene.groups:
        yield frozenset({group.thing.glyph, scene.colour})
        if len(group.spots) > 1:
            yield frozenset({group.thing.glyph, f"{len(group.spots)} times"})
        if group.flipped:
            yield frozenset({group.thing.glyph, "on its head"})
    for one, other in itertools.combinations(scene.groups, 2):
        yield frozenset({one.thing.glyph, other.thing.glyph})


def test_held_out_scenes_are_new_to_a_model_and_held_out_combinations_never_seen_together() -> None:
    rng = np.random.default_rng(0)
    training = [random_scene(rng, ("training",)) for _ in range(1500)]
    seen = {pair for scene in training for pair in pairs(scene)}
    contents = {scene.contents for scene in training}
    assert not contents & {random_scene(rng, ("scenes",)).contents for _ in range(200)}
    for _ in range(100):
        held_out = random_scene(rng, ("combinations",))
        assert any(pair not in seen for pair in pairs(held_out))


@given(seeds, st.lists(named, min_size=1, max_size=3, unique=True))
def test_what_a_scene_is_for_depends_on_its_contents_alone(
    rng: np.random.Generator, chosen: list[Thing]
) -> None:
    scenes = [
        compose(rng, order, [1] * len(chosen), "blue", "striped", may_flip=False)
        for order in (chosen, chosen[::-1])
    ]
    assert scenes[0] != scenes[1]
    assert part_of(scenes[0]) == part_of(scenes[1])


@given(seeds, st.lists(st.integers(1, 3), min_size=1, max_size=2))
def test_things_lie_inside_the_picture(rng: np.random.Generator, counts: list[int]) -> None:
    scene = compose(rng, things()[: len(counts)], counts)
    assert [len(group.spots) for group in scene.groups] == counts
    assert scene.colour in COLOURS
    assert scene.texture in TEXTURES
    for spot in (spot for group in scene.groups for spot in group.spots):
        assert spot.size / 2 <= spot.x <= 1 - spot.size / 2
        assert spot.size / 2 <= spot.y <= 1 - spot.size / 2


def test_a_scene_is_drawn_the_same_every_time_and_alike_at_every_size(font: None) -> None:
    scene = random_scene(np.random.default_rng(5), ("training",))
    large, small = draw(scene, 256), draw(scene, 64)
    assert draw(scene, 256).tobytes() == large.tobytes()
    assert np.abs(np.asarray(large.resize((64, 64)), float) - np.asarray(small)).mean() < 6


@given(seeds)
def test_a_full_caption_names_every_thing_and_the_background(rng: np.random.Generator) -> None:
    scene = random_scene(rng, ("training", "scenes", "combinations"))
    text = captions.full_caption(scene, rng).text
    for group in scene.groups:
        names = group.thing.names if len(group.spots) == 1 else map(plural, group.thing.names)
        assert any(name in text for name in names)
    assert any(colour in text for colour in captions.SPELLINGS.get(scene.colour, (scene.colour,)))


@given(seeds, named, named)
def test_left_and_right_above_and_below_are_what_a_caption_says(
    rng: np.random.Generator, one: Thing, other: Thing
) -> None:
    scene = compose(rng, [one, other], [1, 1], may_flip=False)
    (x1, y1), (x2, y2) = (group.centre for group in scene.groups)
    relation = captions._relation(*scene.groups, rng)
    assert relation not in captions.LEFT or x1 < x2
    assert relation not in captions.RIGHT or x1 > x2
    assert relation not in captions.ABOVE or y1 < y2
    assert relation not in captions.BELOW or y1 > y2


SAYINGS = (captions.full_caption, captions.whole_caption, captions.part_caption)


@given(seeds, st.sampled_from(SAYINGS))
def test_what_is_said_of_a_scene_is_true_of_it_and_not_of_one_without_it(
    rng: np.random.Generator, say: Callable[[Scene, np.random.Generator], captions.Caption]
) -> None:
    scene = random_scene(rng, ("training",))
    caption = say(scene, rng)
    assert caption.claims
    assert caption.claims <= facts(scene)
    assert captions.with_an_unheard_word(caption, rng).claims == caption.claims
    assert not captions.nonsense(caption).claims <= facts(scene)


def test_a_caption_is_true_of_every_scene_that_has_what_it_names() -> None:
    wolf, dog, moon = (
        next(thing for thing in things() if thing.name == name) for name in ("wolf", "dog", "moon")
    )
    rng = np.random.default_rng(0)
    two = facts(compose(rng, [wolf, moon], [2, 1], "blue", "striped", may_flip=False))
    one = facts(compose(rng, [wolf], [1], "red", "plain", may_flip=False))
    other = facts(compose(rng, [dog], [2], "blue", "striped", may_flip=False))
    for claims, true in (
        ({"wolf"}, (True, True, False)),
        ({"animal"}, (True, True, True)),
        ({several(2, "wolf")}, (True, False, False)),
        ({"wolf", "moon"}, (True, False, False)),
        ({"wolf", on("blue")}, (True, False, False)),
        ({on("blue"), on("striped")}, (True, False, True)),
    ):
        assert tuple(claims <= known for known in (two, one, other)) == true


@given(seeds, st.sampled_from(SAYINGS))
def test_the_vocabulary_holds_every_word_of_a_caption_but_the_unheard_one(
    rng: np.random.Generator, say: Callable[[Scene, np.random.Generator], captions.Caption]
) -> None:
    text = say(random_scene(rng, ("training",)), rng).text
    assert set(text.replace(",", " ").split()) <= set(captions.vocabulary())
    assert captions.UNHEARD not in captions.vocabulary()


def test_the_sample_was_never_trained_on() -> None:
    pictures = list(draw_sample.sample())
    assert len(pictures) == 120
    for name, contents, scene in pictures:
        assert part_of(scene) != "training", name
        assert contents.are_in(scene) or "?" in contents.counts


def test_the_tokenizer_takes_known_words_whole_and_all_others_alike() -> None:
    need("tokenizers")
    from tokenizer import make_tokenizer

    tokenizer = make_tokenizer(captions.vocabulary())
    assert tokenizer.encode("Two WOLVES, and a bear!").tokens[1:] == ["two", "wolves", "and", "a", "bear"]
    for word in ("beard", "狼", captions.UNHEARD):
        assert tokenizer.encode(f"a {word}").tokens[1:] == ["a", "[UNK]"]
    assert tokenizer.encode("").tokens == ["[CLS]"]
