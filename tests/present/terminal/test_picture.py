"""Pictures in terminals: what is written can be read back by the protocol's own rules."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import Image

from diptych.present.terminal.picture import inline_picture, picture_protocol


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"KITTY_WINDOW_ID": "3", "TERM": "xterm-256color"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"LC_TERMINAL": "iTerm2", "TERM": "xterm-256color"}, "iterm"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "screen-256color", "TERM_PROGRAM": "iTerm.app"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, None),
        ({}, None),
    ],
)
def test_the_terminal_is_told_by_its_environment(environment: dict[str, str], protocol: str | None) -> None:
    assert picture_protocol(environment) == protocol


def noise(size: tuple[int, int]) -> Image.Image:
    return Image.effect_noise(size, 80).convert("RGB")


@pytest.mark.parametrize("size", [(3000, 400), (400, 3000), (1, 1), (20, 30), (2500, 1)])
def test_kitty_gets_the_whole_picture_in_chunks_within_its_box(size: tuple[int, int]) -> None:
    sent = inline_picture(noise(size), "kitty", 80, 20)
    commands = re.findall(r"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\", sent)
    assert "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in commands) + "\n" == sent
    assert all(len(data) <= 4096 for _, data in commands)
    assert all(len(data) % 4 == 0 for _, data in commands)
    assert [keys.endswith("m=1") for keys, _ in commands] == [True] * (len(commands) - 1) + [False]
    image = Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in commands))))
    wide, high = (int(part) for part in re.findall(r"[cr]=(\d+)", commands[0][0]))
    assert 1 <= wide <= 80
    assert 1 <= high <= 20
    assert wide == 80 or high == 20
    assert image.width <= size[0]
    if min(wide, high) > 4:
        assert wide / 2 / high == pytest.approx(size[0] / size[1], rel=0.25)


def test_iterm_gets_the_whole_picture_within_its_box() -> None:
    sent = inline_picture(noise((300, 200)), "iterm", 80, 20)
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+);width=60;height=20;[^:]*:(.*)\x07\n", sent)
    assert found is not None
    data = base64.b64decode(found[2])
    assert len(data) == int(found[1])
    assert Image.open(io.BytesIO(data)).size == (300, 200)
