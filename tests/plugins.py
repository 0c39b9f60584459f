"""Plug-ins for tests, found the way real ones are: a module and its entry points on the path.

`counting` embeds a plain picture as its colour and writes down, for each plain picture, that it was embedded,
so that a test sees what was done in another process, even one that was killed. Pictures that are not plain
are those that an embedder is tried out on.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from support import SHARED

COUNTING = '''
"""Embeds a picture as its mean colour, and writes down that it did."""
import os
import threading
from pathlib import Path

import numpy as np

from diptych.embedders import EmbedderInfo, EmbedderUnavailable, InputRejected, TransientError


def load(model, **options):
    return Counting(Path(options.get("log", os.devnull)), options)


class Counting:
    def __init__(self, log, options):
        self.log = log
        self.rejects = options.get("rejects", "")
        self.fails = options.get("fails", "")
        self.left = int(options["most"]) if "most" in options else None
        self.info = EmbedderInfo(
            name="counting", provider="counting", model="1", dimension=3, preprocessing="the mean colour",
            batch_size=int(options.get("batch_size", 4)), concurrency=int(options.get("concurrency", 1)),
            price_per_image=float(options["price"]) if "price" in options else None,
            fingerprint=f"counting/{options.get('number', 1)}",
        )

    def prepare_image(self, image):
        pixels = np.asarray(image, np.float32)
        return pixels.mean(axis=(0, 1)), np.ptp(pixels, axis=(0, 1)).max() < 50

    def embed_images(self, prepared):
        if self.left is not None and self.left <= 0:
            threading.Event().wait()  # until it is killed
        names = ["-".join(str(round(float(v))) for v in colour) for colour, is_plain in prepared if is_plain]
        for name in names:
            if name == self.rejects:
                raise InputRejected("not this colour")
            if self.fails == "all":
                raise TransientError("the service is down")
            if self.fails == "unavailable":
                raise EmbedderUnavailable("sign in first: run `counting login`")
            if self.fails == name:
                raise TransientError("try again later")
            if self.fails == "surprise":
                raise RuntimeError("a bug\\nin two lines")
        with self.log.open("a") as file:
            file.write("".join(name + "\\n" for name in names))
        if self.left is not None:
            self.left -= len(names)
        return np.stack([colour for colour, _ in prepared])

    def embed_texts(self, texts):
        if self.fails == "unavailable":
            raise EmbedderUnavailable("sign in first: run `counting login`")
        words = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}
        return np.array([words.get(text, (1, 1, 1)) for text in texts], np.float32)
'''


def install(folder: Path, name: str = "counting", source: str = COUNTING) -> Path:
    """Write a plug-in into a folder, which a test puts on the path; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"diptych_{name}.py").write_text(source)
    describe(folder, name)
    return folder


def describe(folder: Path, name: str) -> None:
    """Write the metadata by which Python finds the plug-in `diptych_NAME`."""
    metadata = folder / f"diptych_{name}-1.0.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: diptych-{name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[diptych.embedders]\n{name} = diptych_{name}:load\n")


def install_zs(folder: Path) -> dict[str, str]:
    """Make the shared plug-in for real photographs findable; returns the environment it needs."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SHARED / "plugins" / "diptych-zs" / "src" / "diptych_zs.py", folder)
    describe(folder, "zs")
    return environment(folder) | {"ZS_HOME": str(SHARED / "models")}


def environment(folder: Path) -> dict[str, str]:
    """The environment of a process that finds the plug-ins in a folder."""
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(path)}
