"""Draw the sample collection of the package anew: `python training/draw_sample.py`.

Every scene is one that no model was trained on. What is relevant to a query follows from what is in a scene.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from captions import with_article
from scenes import COLOURS, TEXTURES, Group, Scene, compose, draw, part_of
from things import Thing, plural, things

FOLDER = Path(__file__).resolve().parents[1] / "src" / "diptych" / "samples"
SIDE = 320
SEED = 7
NUMBERS = {2: "two", 3: "three"}
TRIES = 5000

PICTURES = {
    "wolf": """wolf; wolf + ? | blue; wolf + ? | blue; 2 wolf; wolf + moon; wolf + moon + ?; wolf + tree;
        wolf + sheep""",
    "dog": """dog; dog + ? | yellow; 2 dog; dog + bird; dog + bird; dog + bird + ? | green; dog + cat;
        dog + bone""",
    "cat": """cat; cat | pink; 2 cat; cat + fish; cat + fish; cat + ball of yarn; cat + mouse;
        cat + window""",
    "bird": "bird; bird | light blue; 2 bird; 3 bird; bird + tree; bird + cherries; owl; eagle",
    "fish": """fish; fish + ? | turquoise; 2 fish; 3 fish; fish + octopus; shark; fish + crab;
        fish + bucket""",
    "horse": """horse; horse + ? | brown; 2 horse; horse + carrot; horse + red apple; horse + cowboy;
        horse + house; horse + sun""",
    "apple": """red apple; red apple + ? | white; green apple; green apple; 2 red apple; 3 green apple;
        red apple + green apple; red apple + banana""",
    "banana": """banana; banana + ? | purple; 2 banana; 3 banana + ?; banana + monkey;
        banana + strawberry; banana + glass of milk; banana | blue""",
    "mushroom": """mushroom; mushroom + ? | green; 2 mushroom; 3 mushroom + ?; mushroom + snail;
        mushroom + hedgehog; mushroom + fallen leaf; mushroom + ? | yellow""",
    "rose": """rose; rose + ? | black; 2 rose; rose + butterfly; rose + ring; rose + love letter;
        rose + glass of wine; rose | white""",
    "tree": """tree; tree + ? | orange; 2 tree; 3 tree; tree + house; tree + squirrel; tree + rain cloud;
        tree + bicycle""",
    "car": """red car; red car + ? | grey; blue car; 2 red car; red car + tree; blue car + tree;
        red car + bus; taxi""",
    "train": """train; train | purple; train + ?; 2 train; train + mountain; train + bridge; train + cow;
        train + tree""",
    "boat": """sailboat; sailboat + ? | light blue; 2 sailboat; speedboat; sailboat + whale;
        sailboat + island; sailboat + sun; canoe + duck""",
    "guitar": """guitar; guitar | yellow; 2 guitar; guitar + drum + ? | blue;
        guitar + microphone + ? | white; guitar + headphones + ? | red; guitar + star + ? | purple;
        guitar | orange""",
}
"""What is in each picture, by folder: `2 wolf + moon | blue` is two wolves and a moon on blue.

A `?` is any of the companions.
"""

COMPANIONS = (
    "balloon",
    "cloud",
    "crown",
    "drum",
    "key",
    "kite",
    "top hat",
    "umbrella",
    "cactus",
    "candle",
    "anchor",
)
"""Things that no query asks for; they make pictures that were not trained on where a colour is set."""

QUERIES = {
    "wolf": "wolf",
    "dog": "dog",
    "a bird": "bird",
    "horses": "horse",
    "guitar": "guitar",
    "mushrooms": "mushroom",
    "sailing boat": "sailboat",
    "a train": "train",
    "red apple": "red apple",
    "green apples": "green apple",
    "a blue car": "blue car",
    "a dog with a bird": "dog + bird",
    "a cat and a fish": "cat + fish",
    "a wolf and the moon": "wolf + moon",
    "a car next to a tree": "car + tree",
    "two cats": "2 cat",
    "three bananas": "3 banana",
    "a wolf on a blue background": "wolf | blue",
    "a yellow background": "| yellow",
    "a purple background": "| purple",
    "fruit": "fruit",
    "a helicopter": "helicopter",
}
"""Queries, and what a picture must hold to be relevant; there is no helicopter."""


@dataclass(frozen=True)
class Contents:
    """What a line of `PICTURES` or `QUERIES` says.

    Attributes:
        counts: How many of each thing; None where the number is left open.
        colour: Of the background; None where it is left open.
    """

    counts: dict[str, int | None]
    colour: str | None

    @classmethod
    def parse(cls, line: str) -> Contents:
        """Read a line such as `2 wolf + moon | blue`."""
        named, _, colour = (part.strip() for part in line.partition("|"))
        counts: dict[str, int | None] = {}
        for part in filter(None, (part.strip() for part in named.split("+"))):
            number, _, name = part.partition(" ")
            counts[name if number.isdigit() else part] = int(number) if number.isdigit() else None
        return cls(counts, colour or None)

    def are_in(self, scene: Scene) -> bool:
        """Whether a scene holds all this."""
        return self.colour in (None, scene.colour) and all(
            any(group.thing.is_called(name) and number in (None, len(group.spots)) for group in scene.groups)
            for name, number in self.counts.items()
        )


def make_scene(contents: Contents, seed: tuple[int, ...]) -> Scene:
    """A scene with these contents, everything left open being chosen so that no model was trained on it."""
    rng = np.random.default_rng(seed)
    for _ in range(TRIES):
        chosen = [_pick(name, rng) for name in contents.counts]
        counts = [number or 1 for number in contents.counts.values()]
        colour = contents.colour or str(rng.choice(list(COLOURS)))
        scene = compose(rng, chosen, counts, colour, str(rng.choice(TEXTURES)), may_flip=False)
        if part_of(scene) != "training":
            return scene
    raise ValueError(f"all scenes with {contents} are for training: change a thing or leave the colour open")


def _pick(name: str, rng: np.random.Generator) -> Thing:
    """One of the things called so, of those whose most usual name it is where there are any."""
    name = str(rng.choice(COMPANIONS)) if name == "?" else name
    called = [thing for thing in things() if thing.name == name]
    called = called or [thing for thing in things() if name in thing.names]
    return called[int(rng.integers(len(called)))]


def describe(scene: Scene, contents: Contents) -> str:
    """The caption: everything in a scene, by the names that were asked for."""
    phrases = [_phrase(group, name) for group, name in zip(scene.groups, contents.counts, strict=True)]
    together = " and ".join(filter(None, (", ".join(phrases[:-1]), phrases[-1])))
    background = f"{'' if scene.texture == 'plain' else scene.texture} {scene.colour} background".strip()
    return f"{together} on {with_article(background)}"


def _phrase(group: Group, name: str) -> str:
    name = group.thing.name if name == "?" else name
    count = len(group.spots)
    return f"{NUMBERS[count]} {plural(name)}" if count > 1 else with_article(name)


def sample() -> Iterator[tuple[str, Contents, Scene]]:
    """All pictures: names, what is asked for, scenes."""
    for folder, lines in PICTURES.items():
        for number, line in enumerate(lines.split(";"), 1):
            contents = Contents.parse(line)
            seed = (SEED, list(PICTURES).index(folder), number)
            yield f"{folder}/{folder}-{number}.webp", contents, make_scene(contents, seed)


def main() -> None:
    """Write pictures, captions, queries and judgments into the package."""
    pictures = list(sample())
    for folder in PICTURES:
        shutil.rmtree(FOLDER / folder, ignore_errors=True)
        (FOLDER / folder).mkdir()
    with (FOLDER / "pictures.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("path", "caption"))
        for name, contents, scene in pictures:
            draw(scene, SIDE).save(FOLDER / name, quality=88, method=6)
            rows.writerow((name, describe(scene, contents)))
    queries, judgments = [], []
    for number, (text, wanted) in enumerate(QUERIES.items(), 1):
        queries.append(f"q{number}\t{text}\n")
        for name, _, scene in pictures:
            judgments.append(f"q{number} 0 {name} {int(Contents.parse(wanted).are_in(scene))}\n")
    (FOLDER / "queries.tsv").write_text("".join(queries), encoding="utf-8")
    (FOLDER / "qrels.trec").write_text("".join(judgments), encoding="utf-8")
    print(f"{len(pictures)} pictures and {len(queries)} queries in {FOLDER}")


if __name__ == "__main__":
    main()
