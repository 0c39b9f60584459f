"""Killed at any moment, nothing that was stored is lost or embedded again."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from diptych.images import open_collection
from killing import Runs, draw, stored
from plugins import environment, install

PICTURES = 1200
KILLS = 24


def test_ctrl_c_stops_in_one_line_and_keeps_what_was_embedded(tmp_path: Path) -> None:
    draw(tmp_path / "pictures", PICTURES)
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
    assert "embeddings and judgments are saved" in line
    assert len(stored(store, pictures)) == log.read_text().count("\n") < PICTURES


def test_killed_two_dozen_times_nothing_is_lost_or_embedded_twice(tmp_path: Path) -> None:
    runs = Runs(tmp_path, PICTURES)
    signals = itertools.repeat(signal.SIGKILL, KILLS)
    assert sum(1 for _ in runs.end_each(signals, random.Random(7))) >= 20
    runs.log.write_text("")
    subprocess.run(runs.command, env=runs.env, check=True, stdout=subprocess.DEVNULL)
    after = stored(runs.store, runs.pictures)
    assert len(after) == PICTURES
    assert len(runs.log.read_text().split()) == PICTURES - len(runs.before)
    for name, item in runs.id_of.items():
        assert np.frombuffer(after[item], "<f4").tolist() == [float(part) for part in name.split("-")]


def test_two_runs_at_once_embed_every_picture_once(tmp_path: Path) -> None:
    draw(tmp_path / "pictures", PICTURES)
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
