"""Train, export and evaluate one of the built-in models: `python training/train.py mini-b`.

The model goes into the package, the log of the run beside this script; with `--tiny FOLDER` both go there,
and all is so small that it takes seconds. Scenes are drawn by a process of their own, so let waiting threads
sleep where cores are few: `OMP_WAIT_POLICY=passive`.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

import captions
from batches import SEED, Batches, to_pixels
from card import write_card
from evaluate import COUNT, MODELS, evaluate, held_out, recall
from export import export
from model import SETTINGS, SIDE, TINY, Clip, Setting
from tokenizer import encode, make_tokenizer

HERE = Path(__file__).resolve().parent
TINY_COUNT = 50
WARM_UP = 0.05
"""The part of the steps in which the learning rate rises; then it falls along a cosine."""

Say = Callable[[str], None]


def train(setting: Setting, count: int, say: Say) -> Clip:
    """Train a model from nothing, telling how it goes.

    Args:
        setting: What it is made of.
        count: How many held-out scenes it is looked at with on the way.
        say: Takes lines for the log.
    """
    torch.manual_seed(SEED)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = make_tokenizer(captions.vocabulary())
    model = Clip(setting, tokenizer.get_vocab_size()).to(device, memory_format=torch.channels_last)
    sizes = parameters(model.image), parameters(model.text)
    say(f"{sizes[0]:,} parameters for pictures, {sizes[1]:,} for texts; {setting}")
    optimiser = torch.optim.AdamW(model.parameters(), lr=setting.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / setting.steps))
    pictures, texts = held_out("scenes", count, SIDE)
    seen = torch.from_numpy(to_pixels(pictures)), torch.from_numpy(encode(tokenizer, texts))
    loader = DataLoader(Batches(setting, tokenizer), batch_size=None, num_workers=1, prefetch_factor=8)
    losses, started, every = [], time.monotonic(), max(1, setting.steps // 20)
    for step, (pixels, present, sets) in enumerate(loader, 1):
        there = pixels.to(device, memory_format=torch.channels_last)
        loss = model.loss(
            there, present.to(device), [(ids.to(device), truth.to(device)) for ids, truth in sets]
        )
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % every == 0 or step == setting.steps:
            found = _recalls(model, *seen)
            say(
                f"step {step:5}  loss {np.mean(losses[-every:]):.3f}  temperature {model.scale.exp():.1f}  "
                f"recall@1 {found[0]:.3f}  recall@10 {found[1]:.3f}  {time.monotonic() - started:5.0f} s"
            )
    return model


def parameters(side: torch.nn.Module) -> int:
    """How many numbers a side has learned."""
    return sum(parameter.numel() for parameter in side.parameters())


def _rate(done: float) -> float:
    """The learning rate in parts of the highest, at a point from 0 to 1 of the run."""
    return done / WARM_UP if done < WARM_UP else 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _recalls(model: Clip, pixels: torch.Tensor, ids: torch.Tensor) -> tuple[float, float]:
    device = model.scale.device
    model.eval()
    with torch.inference_mode():
        texts = model.text(ids.to(device)).cpu().numpy()
        images = np.vstack([model.image(some.to(device)).cpu().numpy() for some in pixels.split(250)])
    model.train()
    return recall(texts, images, 1), recall(texts, images, min(10, len(texts)))


def main() -> None:
    """Read the command line and make the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", choices=SETTINGS)
    parser.add_argument("--tiny", type=Path, metavar="FOLDER", help="train for seconds, and write to FOLDER")
    arguments = parser.parse_args()
    folder = (arguments.tiny or MODELS) / arguments.model
    log = (arguments.tiny or HERE) / f"{arguments.model}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    setting = TINY if arguments.tiny else SETTINGS[arguments.model]
    count = TINY_COUNT if arguments.tiny else COUNT
    with log.open("w", encoding="utf-8") as file:

        def say(line: str) -> None:
            print(line, flush=True)
            print(line, file=file, flush=True)

        model = train(setting, count, say)
        export(model, make_tokenizer(captions.vocabulary()), folder)
        figures = evaluate(folder, count)
        for line in figures:
            say(line)
    write_card(folder, parameters(model.image), parameters(model.text), figures)


if __name__ == "__main__":
    main()
