"""Pictures in terminals: what is written can be read back by the protocol's own rules."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from diptych.present.terminal.picture import Screen, inline_picture


def noise(size: tuple[int, int]) -> Image.Image:
    return Image.effect_noise(size, 80).convert("RGB")


@pytest.mark.parametrize("size", [(3000, 400), (400, 3000), (1, 1), (20, 30), (2500, 1)])
def test_kitty_gets_the_whole_picture_in_chunks_within_its_box(size: tuple[int, int]) -> None:
    sent = inline_picture(noise(size), Screen("kitty"), 80, 20)
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
    sent = inline_picture(noise((300, 200)), Screen("iterm2"), 80, 20)
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+);width=60;height=20;[^:]*:(.*)\x07\n", sent)
    assert found is not None
    data = base64.b64decode(found[2])
    assert len(data) == int(found[1])
    assert Image.open(io.BytesIO(data)).size == (300, 200)


def drawn(sent: str) -> np.ndarray:
    """What a terminal draws: colours in percent, -1 where it draws nothing. By the VT340's manual."""
    found = re.fullmatch(r"\x1bP0;1;0q\"1;1;(\d+);(\d+)(.*)\x1b\\\n", sent)
    assert found is not None
    width, height = int(found[1]), int(found[2])
    screen = np.full((height + 6, width, 3), -1)
    colours: dict[int, list[int]] = {}
    x = y = colour = 0
    for part in re.findall(r"#\d+(?:;2;\d+;\d+;\d+)?|!\d+[?-~]|[?-~]|[$-]", found[3]):
        if part[0] == "#":
            numbers = [int(number) for number in part[1:].split(";")]
            colour = numbers[0]
            if len(numbers) > 1:
                colours[colour] = numbers[2:]
        elif part in {"$", "-"}:
            x, y = 0, y + (6 if part == "-" else 0)
        else:
            for _ in range(int(part[1:-1]) if part[0] == "!" else 1):
                for bit in range(6):
                    if (ord(part[-1]) - 63) >> bit & 1:
                        screen[y + bit, x] = colours[colour]
                x += 1  # noqa: SIM113 (continues from colour to colour)
    assert (screen[height:] == -1).all()
    return screen[:height]


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (7, 5), (1, 1)])
def test_sixels_draw_the_picture(size: tuple[int, int]) -> None:
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    screen = drawn(inline_picture(image, Screen("sixel", (8, 16)), 20, 4))
    height, width = screen.shape[:2]
    assert width <= 20 * 8
    assert height <= 4 * 16
    assert width == 160 or height == 64
    wanted = np.asarray(image.resize((width, height)), dtype=float) / 2.55
    assert np.abs(screen - wanted).max() < 3


def test_sixels_leave_what_is_transparent_alone() -> None:
    image = Image.new("RGBA", (32, 16), (250, 0, 0, 255))
    image.paste((0, 0, 0, 0), (16, 0, 32, 16))
    screen = drawn(inline_picture(image, Screen("sixel", (8, 16)), 4, 1))
    assert (screen[:, :15] == (98, 0, 0)).all()
    assert (screen[:, 17:] == -1).all()
