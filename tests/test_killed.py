"""Killed at any moment, nothing that was stored is lost or embedded again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from diptych.images import Picture, open_collection
from diptych.store.vectors import Store
from plugins import environment, install

PICTURES = 1200
KILLS = 24


def colour(number: int) -> tuple[int, int, int]:
    return number % 200, number // 200, 7


def draw(folder: Path) -> None:
    folder.mkdir()
    for number in range(PICTURES):
        Image.new("RGB", (8, 8), colour(number)).save(folder / f"{number:03}.png")


def stored(path: Path, pictures: tuple[Picture, ...]) -> dict[str, bytes]:
    with Store(path) as store:
        known = sorted(store.known("counting/1", "image", [picture.id for picture in pictures]))
        return {item: store.get("counting/1", "image", [item]).tobytes() for item in known}


def test_ctrl_c_stops_in_one_line_and_keeps_what_was_embedded(tmp_path: Path) -> None:
    draw(tmp_path / "pictures")
    pictures = open_collection(tmp_path / "pictures").pictures
    env = environment(install(tmp_path / "plugins"))
    store, log = tmp_path / "store.sqlite", tmp_path / "log"
    log.write_text("")
    command = [sys.executable, "-m", "diptych", "embed", str(tmp_path / "pictures"), "--quiet"]
    command += ["--store", str(store), "-e", f"counting:?log={log}&batch_size=1"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and log.read_text().count("\n") < 30:
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    (line,) = err.splitlines()
    assert "what was embedded is stored" in line
    assert len(stored(store, pictures)) == log.read_text().count("\n") < PICTURES


def test_killed_two_dozen_times_nothing_is_lost_or_embedded_twice(tmp_path: Path) -> None:
    draw(tmp_path / "pictures")
    pictures = open_collection(tmp_path / "pictures").pictures
    id_of = {"-".join(map(str, colour(int(Path(p.name).stem)))): p.id for p in pictures}
    env = environment(install(tmp_path / "plugins"))
    store, log = tmp_path / "store.sqlite", tmp_path / "log"
    command = [sys.executable, "-m", "diptych", "embed", str(tmp_path / "pictures"), "--quiet"]
    command += ["--store", str(store), "-e", f"counting:?log={log}&batch_size=2"]
    rng = random.Random(7)
    before: dict[str, bytes] = {}
    killed = 0
    while killed < KILLS and len(before) < PICTURES:
        log.write_text("")
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
        enough = rng.randrange(0, 40)
        while process.poll() is None and log.read_text().count("\n") < enough:
            pass  # the moment is the process's own progress, plus however long this look at it took
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
        after = stored(store, pictures)
        embedded = {id_of[name] for name in log.read_text().split("\n")[:-1]}
        assert before.items() <= after.items()
        assert embedded.isdisjoint(before)
        assert after.keys() - before.keys() <= embedded
        before = after
    assert killed >= 20
    log.write_text("")
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    after = stored(store, pictures)
    assert len(after) == PICTURES
    assert len(log.read_text().split()) == PICTURES - len(before)
    for name, item in id_of.items():
        assert np.frombuffer(after[item], "<f4").tolist() == [float(part) for part in name.split("-")]


def test_two_runs_at_once_embed_every_picture_once(tmp_path: Path) -> None:
    draw(tmp_path / "pictures")
    env = environment(install(tmp_path / "plugins"))
    store, log = tmp_path / "store.sqlite", tmp_path / "log"
    command = [sys.executable, "-m", "diptych", "embed", str(tmp_path / "pictures")]
    command += ["--store", str(store), "-e", f"counting:?log={log}&batch_size=4"]
    runs = [subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert len(log.read_text().split()) == PICTURES
    assert sum("another run is embedding" in words for words in said) <= 1
    assert len(stored(store, open_collection(tmp_path / "pictures").pictures)) == PICTURES
