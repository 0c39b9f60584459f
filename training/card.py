"""The model card that goes beside a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

CARD = """\
---
license: apache-2.0
language: en
pipeline_tag: zero-shot-image-classification
---

# {name}

A small CLIP that comes with Diptych, so that a comparison runs at once, without a network or an account.
{pictures:,} parameters for pictures of 64 × 64 pixels, {texts:,} for texts of up to 32 tokens.

## What it knows

Drawn scenes of emoji glyphs, and plain English about them: some 300 things by name and by kind (animals,
plants, food, vehicles, tools, weather, faces, …), one to three of them in a scene; how many there are,
whether they are small, large or upside down, which is left of, above or beside the other; and the colour
and pattern of the background.

## What it does not know

Photographs, paintings, and anything else that is not such a scene; any further word. All words that
it was not taught are one to it, and say nothing. It is there to try Diptych on, and to be compared with
its sibling; for pictures of your own take a real CLIP, such as `clip-ViT-L-14`.

## How it was made

Trained from nothing by `python training/train.py {name}` in Diptych's repository, where
`training/{name}.log` is the log of the run, on scenes drawn by code with captions from a grammar. The
contrastive loss is CLIP's (A. Radford et al., 2021) with one more answer, "none of these". Nothing was
downloaded. The glyphs are those of Noto Color Emoji (SIL Open Font License 1.1).

## Figures

Text to picture among 1,000 scenes that it was not trained on, as `python training/evaluate.py` prints
them. In `scenes` the contents of the whole scene are new to it, in `combinations` a thing is also with
an attribute or a neighbour that it was never seen with.

```
{figures}
```

## Licence

Apache-2.0, as Diptych.
"""


def write_card(folder: Path, pictures: int, texts: int, figures: Sequence[str]) -> None:
    """Write `README.md`.

    Args:
        folder: The model's.
        pictures: Parameters of the image side.
        texts: Parameters of the text side.
        figures: What `evaluate` found.
    """
    card = CARD.format(name=folder.name, pictures=pictures, texts=texts, figures="\n".join(figures))
    (folder / "README.md").write_text(card, encoding="utf-8")
