"""Killed at any moment, nothing that was stored is lost or embedded again."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from diptych.images import open_collection
from killing import Runs, draw, stored
from plugins import environment, install

PICTURES = 1200
KILLS = 24


def command(folder: Path, embedders: int, batch_size: int) -> list[str]:
    """What embeds the pictures in a folder with several embedders, each of which keeps a log there."""
    words = [sys.executable, "-m", "diptych", "embed", str(folder / "pictures"), "--quiet"]
    words += ["--store", str(folder / "store.sqlite")]
    for number in range(1, embedders + 1):
        log = folder / f"log-{number}"
        log.write_text("")
        words += ["-e", f"counting:?log={log}&batch_size={batch_size}&number={number}"]
    return words


def logged(folder: Path, number: int) -> list[str]:
    """The pictures that an embedder has embedded since its log was begun."""
    return (folder / f"log-{number}").read_text().split("\n")[:-1]


@pytest.mark.parametrize("embedders", [1, 3])
def test_ctrl_c_stops_in_one_line_and_keeps_what_was_embedded(tmp_path: Path, embedders: int) -> None:
    draw(tmp_path / "pictures", PICTURES)
    pictures = open_collection(tmp_path / "pictures").pictures
    process = subprocess.Popen(
        command(tmp_path, embedders, batch_size=1),
        env=environment(install(tmp_path / "plugins")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and len(logged(tmp_path, embedders)) < 30:
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    (line,) = err.splitlines()
    assert "embeddings and judgments are saved" in line
    for number in range(1, embedders + 1):
        there = stored(tmp_path / "store.sqlite", pictures, number)
        assert len(there) == len(logged(tmp_path, number)) < PICTURES


def test_killed_while_several_embed_each_goes_on_where_it_was(tmp_path: Path) -> None:
    draw(tmp_path / "pictures", PICTURES)
    pictures = open_collection(tmp_path / "pictures").pictures
    env, store = environment(install(tmp_path / "plugins")), tmp_path / "store.sqlite"
    before: dict[int, dict[str, bytes]] = {1: {}, 2: {}}
    for kill in range(6):
        process = subprocess.Popen(
            command(tmp_path, 2, batch_size=2), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and len(logged(tmp_path, 1 + kill % 2)) < 25 * kill:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        for number, had in before.items():
            after = stored(store, pictures, number)
            assert had.items() <= after.items(), "what was stored is lost"
            assert len(after) - len(had) <= len(logged(tmp_path, number)), "stored and not embedded"
            before[number] = after
    subprocess.run(command(tmp_path, 2, batch_size=2), env=env, check=True, stdout=subprocess.DEVNULL)
    for number, had in before.items():
        assert len(logged(tmp_path, number)) == PICTURES - len(had), "what was stored is embedded again"
        after = stored(store, pictures, number)
        assert len(after) == PICTURES
        assert had.items() <= after.items()


def test_killed_two_dozen_times_nothing_is_lost_or_embedded_twice(tmp_path: Path) -> None:
    runs = Runs(tmp_path, PICTURES, most=PICTURES // KILLS - 1)  # so that none of the kills comes too late
    signals = itertools.repeat(signal.SIGKILL, KILLS)
    assert sum(1 for _ in runs.end_each(signals, random.Random(7))) == KILLS
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
