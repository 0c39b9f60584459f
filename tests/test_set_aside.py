"""One picture that a service always fails on costs itself: the comparison appears, others are not paid again.

The whole tool against a scripted service on this machine, over real HTTP.
"""

from __future__ import annotations

import base64
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diptych import http
from diptych.cli import main
from diptych.embedders import jina
from diptych.emulators.jina import JinaEmulator
from diptych.emulators.replies import Reply, Request, json_reply
from embedders.hosted_cases import SECRET, Script

COUNT = 12
BAD = 5
"""The picture that the service always fails on."""


@dataclass
class Run:
    """How a command ended.

    Attributes:
        status: Its exit status.
        out: What it printed.
        err: What it said.
    """

    status: int
    out: str
    err: str


@pytest.fixture
def diptych(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """The command line, in this process; retries for which nobody asks a wait come at once."""
    monkeypatch.setattr(http, "_jitter", SimpleNamespace(uniform=lambda least, _most: least))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back after
    monkeypatch.setenv("JINA_API_KEY", SECRET)

    def run(*arguments: object) -> Run:
        monkeypatch.setattr(sys, "argv", ["diptych", *map(str, arguments)])
        status: Any = 0
        try:
            main()
        except SystemExit as exit_:
            status = exit_.code or 0
        said = capsys.readouterr()
        return Run(status, said.out, said.err)

    return run


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 200, (2, 2, 3), dtype=np.uint8)
        Image.fromarray(np.kron(pixels, np.ones((8, 8, 1), np.uint8))).save(folder / f"{number:02}.png")
    return folder


class Service:
    """A service that sees as its emulator does, except for one picture.

    Attributes:
        script: What answers.
        sent: How often each picture was sent, by its name.
    """

    def __init__(self, pictures: Path, fails: Callable[[list[bool], Request], Reply | None]) -> None:
        self.script = Script(JinaEmulator)
        self._names = {self._sent_as(path): path.name for path in sorted(pictures.iterdir())}
        self._fails = fails
        self.script.always = self._answer
        self.sent: dict[str, int] = {}

    @property
    def spec(self) -> str:
        return f"jina?endpoint={self.script.emulator.url}&requests_per_minute=0&concurrency=1"

    def _sent_as(self, path: Path) -> str:
        embedder = jina.load("", endpoint="http://127.0.0.1:9")
        return base64.b64encode(embedder.prepare_image(Image.open(path))).decode()

    def _answer(self, request: Request) -> Reply:
        items = [item.get("image") for item in json.loads(request.body)["input"]]
        names = [self._names[item] for item in items if item]
        for name in names:
            self.sent[name] = self.sent.get(name, 0) + 1
        bad = [name == f"{BAD:02}.png" for name in names]
        failed = self._fails(bad, request) if any(bad) else None
        if failed is not None:
            return failed
        answer = super(type(self.script.emulator), self.script.emulator).answer(request)
        return answer if not any(bad) else self._spoil(answer, bad)

    def _spoil(self, answer: Reply, bad: list[bool]) -> Reply:
        content = json.loads(answer.body)
        for entry, is_bad in zip(content["data"], bad, strict=True):
            if is_bad:
                entry["embedding"] = self.instead(entry["embedding"])
        return json_reply(content)

    def instead(self, vector: list[float]) -> Any:
        raise NotImplementedError


def always_500(_bad: list[bool], _request: Request) -> Reply:
    return JinaEmulator.refuse(500, "The picture upset me.")


def error_in_200(_bad: list[bool], _request: Request) -> Reply:
    return json_reply({"error": {"message": "The picture upset me."}})


def of_its_dimension(bad: list[bool], _request: Request) -> Reply:
    return JinaEmulator.refuse(400, "The picture upset me: its dimension is out of range.")


class NoVector(Service):
    def instead(self, vector: list[float]) -> Any:
        return None


class ZeroVector(Service):
    def instead(self, vector: list[float]) -> Any:
        return [0.0] * len(vector)


class NotFinite(Service):
    def instead(self, vector: list[float]) -> Any:
        return [1e300, *vector[1:]]


def nothing(_bad: list[bool], _request: Request) -> None:
    return None


KINDS: dict[str, tuple[type[Service], Callable[..., Reply | None], str]] = {
    "500": (Service, always_500, "upset me"),
    "an error in a 200": (Service, error_in_200, "upset me"),
    "a 400 of its dimension": (Service, of_its_dimension, "upset me"),
    "null": (NoVector, nothing, "without a vector"),
    "zeros": (ZeroVector, nothing, "vector of zeros"),
    "not finite": (NotFinite, nothing, "other than finite"),
}


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(pictures: Path, kind: str) -> Iterator[Service]:
    make, fails, _ = KINDS[kind]
    service = make(pictures, fails)
    with service.script.emulator:
        yield service


def test_a_picture_that_always_fails_is_named_and_the_comparison_appears(
    diptych: Callable[..., Run], pictures: Path, service: Service, kind: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    command = ["compare", pictures, "-e", service.spec, "-e", "palette", "-q", "red", "--json", out]
    done = diptych(*command)
    assert done.status == 0, done.err
    bad, said = f"{BAD:02}.png", KINDS[kind][2]
    saved = json.loads(out.read_text())
    ((name, reason),) = [(each["name"], each["reason"]) for each in saved["collection"]["skipped"]]
    assert name == bad
    assert said in reason
    assert saved["collection"]["images"] == COUNT - 1
    assert "1 skipped" in done.out
    mates = {name: times for name, times in service.sent.items() if name != bad}
    assert max(mates.values()) <= 8 + 3, "as often as its batch was tried, and once in each smaller one"
    assert service.sent[bad] <= 8 + 2 + 2
    if kind in {"null", "zeros", "not finite"}:
        assert set(mates.values()) == {1}, "a good vector is kept, whatever came with it"

    service.sent.clear()
    again = diptych(*command)
    assert again.status == 0, again.err
    assert json.loads(out.read_text())["collection"]["images"] == COUNT - 1
    assert bad in again.out
    if kind == "a 400 of its dimension":  # a refusal costs nothing
        assert set(service.sent) == {bad}
    else:
        assert service.sent == {}, "a picture is sent again after a day"
        assert "not tried again before 20" in again.out


def test_a_wait_of_a_day_is_said_and_not_waited_for(
    diptych: Callable[..., Run], pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("diptych.embedders.hosted.client.time.sleep", waits.append)
    script = Script(JinaEmulator)
    script.always = lambda _: JinaEmulator.over_quota(86_400)
    with script.emulator:
        spec = f"jina?endpoint={script.emulator.url}&requests_per_minute=0"
        done = diptych("compare", pictures, "-e", spec, "-e", "palette", "-q", "red", "--quiet")
    assert done.status == 1
    (line,) = done.err.strip().splitlines()
    assert "try again after 20" in line
    assert max(waits, default=0.0) < 1.0
    assert len(script.requests) <= 8, "one for each call that was under way, and no more"
