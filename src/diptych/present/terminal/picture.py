"""A picture in a terminal that can show one: the protocols of kitty and of iTerm2."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Literal

from PIL import Image

Protocol = Literal["kitty", "iterm"]

_CELL = 0.5
"""A cell's width over its height: about this in every font for terminals."""

_PIXELS_A_LINE = 32
"""More than a line has on a dense screen: what is sent need not be larger."""

_CHUNK = 4096


def picture_protocol(environment: Mapping[str, str]) -> Protocol | None:
    """Which protocol the terminal speaks that these environment variables tell of; None for none.

    Inside tmux and screen it is none: they swallow what they do not know.
    """
    program, term = environment.get("TERM_PROGRAM", ""), environment.get("TERM", "")
    if environment.get("TMUX") or environment.get("STY") or term.startswith(("tmux", "screen")):
        return None
    if program in {"iTerm.app", "WezTerm", "mintty"} or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm"
    if environment.get("KITTY_WINDOW_ID") or term in {"xterm-kitty", "xterm-ghostty"} or program == "ghostty":
        return "kitty"
    return None


def inline_picture(image: Image.Image, protocol: Protocol, columns: int, lines: int) -> str:
    """What to write to the terminal so that it shows a picture, whole, in a box of so many cells."""
    small = image.copy()
    small.thumbnail((round(columns * _PIXELS_A_LINE * _CELL), lines * _PIXELS_A_LINE))
    # As large as the box allows, small pictures too: they are to be judged.
    scale = min(columns * _CELL / small.width, lines / small.height)
    wide, high = max(1, int(small.width * scale / _CELL)), max(1, int(small.height * scale))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    if protocol == "iterm":
        size = f"size={len(buffer.getvalue())};width={wide};height={high};preserveAspectRatio=1"
        return f"\x1b]1337;File=inline=1;{size}:{data}\a\n"
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    keys = [f"a=T,f=100,q=2,c={wide},r={high},", *[""] * (len(chunks) - 1)]
    more = [1] * (len(chunks) - 1) + [0]
    return "".join(f"\x1b_G{k}m={m};{c}\x1b\\" for k, m, c in zip(keys, more, chunks, strict=True)) + "\n"
