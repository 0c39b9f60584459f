"""Small files that ask for much work or memory, and Ctrl-C meanwhile: `python attacks/work.py`."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from outcome import Outcome, tell
from PIL import Image

from diptych.images import Limits
from diptych.images.work import SLOW_SECONDS_PER_MEGAPIXEL

LIMITS = Limits()
MEGABYTES = 4000
SLACK = 2.0


def runs_of_one_pixel() -> bytes:
    """A BMP of 200 megapixels, a run of one pixel in each row."""
    width, height = 100_000_000, 2
    body = (b"\x01\x00" + b"\x00\x00") * height + b"\x00\x01"
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    start = 14 + 40 + 1024
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + bytes(1024) + body


def many_scans() -> bytes:
    """A progressive JPEG of 48 megapixels whose last scan comes 4,000 times."""
    buffer = io.BytesIO()
    Image.new("L", (8_000, 6_000), 128).save(buffer, "JPEG", quality=10, progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 4_000 + data[-2:]


def pixels_as_words() -> bytes:
    """A PNM of 16 megapixels whose numbers are written as text."""
    return b"P3 4000 4000 255\n" + b"1 22 255\n" * 16_000_000


def many_comments() -> bytes:
    """A GIF of one pixel with 20 million comments."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "GIF")
    data = buffer.getvalue()
    start = data.index(b",")
    return data[:start] + b"!\xfe\x01x\0" * 20_000_000 + data[start:]


def text_that_unpacks() -> bytes:
    """A PNG whose text unpacks to 256 MB."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG")
    data = buffer.getvalue()
    packer = zlib.compressobj(9)
    body = b"words\0\0" + b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    return data[:33] + chunk + data[33:]


def pixels_that_unpack() -> bytes:
    """A PNG of 10 gigapixels that is a few megabytes long."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG")
    head = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    return buffer.getvalue()[:12] + head + struct.pack(">I", zlib.crc32(head)) + buffer.getvalue()[33:]


def tiles_beyond() -> bytes:
    """A TIFF of one pixel whose tile has a gigapixel."""
    entries = [(256, 4, 1), (257, 4, 1), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1)]
    entries += [(322, 4, 32_768), (323, 4, 32_768), (324, 4, 200), (325, 4, 20)]
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    ifd = struct.pack("<H", len(entries)) + fields + bytes(4)
    return (b"II*\0" + struct.pack("<I", 8) + ifd).ljust(200, b"\0") + zlib.compress(bytes(1 << 20))


BOMBS: tuple[Callable[[], bytes], ...] = (
    runs_of_one_pixel, many_scans, pixels_as_words, many_comments, text_that_unpacks, pixels_that_unpack,
    tiles_beyond,
)  # fmt: skip

_DECODE = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]) << 20,) * 2)
from diptych.images import UnreadablePicture, decode
data = open(sys.argv[1], "rb").read()
began = time.process_time()
try:
    image = decode(data)
    said = f"{image.width} x {image.height}"
except UnreadablePicture as error:
    said = str(error)
print(time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, said)
"""


def bombs(folder: Path) -> Iterator[Outcome]:
    """Each decoded in a process of its own: its processor time and memory."""
    through, worst, peak = [], 0.0, 0.0
    for bomb in BOMBS:
        path = folder / bomb.__name__
        path.write_bytes(bomb())
        command = [sys.executable, "-c", _DECODE, str(path), str(MEGABYTES)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        path.unlink()
        if done.returncode:
            through.append(f"{bomb.__name__}: {done.stderr.splitlines()[-1:]}")
            continue
        seconds, megabytes, _said = done.stdout.split(" ", 2)
        worst, peak = max(worst, float(seconds)), max(peak, float(megabytes))
    most = LIMITS.seconds + 200 * SLOW_SECONDS_PER_MEGAPIXEL + SLACK
    tried = "small pictures made to cost much: processor time of the worst, by default limits"
    yield Outcome(
        part="Work",
        tried=tried,
        count=len(BOMBS),
        through=tuple(through),
        worst=worst,
        most=most,
        unit="s",
        note="5 s, and what 200 megapixels justify",
    )
    yield Outcome(
        part="Memory",
        tried="of decoding small pictures made to cost much",
        count=len(BOMBS),
        worst=peak,
        most=2000,
        unit="MB",
    )


def interrupted(folder: Path, seconds: float) -> Outcome:
    """Ctrl-C at moments spread over a run whose pictures all take long: how long it goes on."""
    pictures = folder / "slow"
    pictures.mkdir()
    for number in range(12):
        words = f"P3 # {number}\n2000 2000 255\n".encode()
        (pictures / f"{number:02}.ppm").write_bytes(words + b"1 22 255\n" * 4_000_000)
    longest, count, through, end = 0.0, 0, [], time.monotonic() + seconds
    command = [sys.executable, "-m", "diptych", "embed", str(pictures), "-e", "palette", "--quiet"]
    while time.monotonic() < end or not count:
        run = subprocess.Popen(
            [*command, "--store", str(folder / f"{count}.sqlite")], stderr=subprocess.PIPE, text=True
        )
        while run.poll() is None and worked(run.pid) < 2.0 + count % 5:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        asked = time.monotonic()
        said = run.communicate(timeout=600)[1]
        longest, count = max(longest, time.monotonic() - asked), count + 1
        if run.returncode != 130 or len(said.splitlines()) != 1:
            through.append(f"status {run.returncode}: {said[-200:]!r}")
    tried = "Ctrl-C while pictures are decoded that take long: until it has ended"
    return Outcome(
        part="Work", tried=tried, count=count, through=tuple(through), worst=longest, most=2.0, unit="s"
    )


def worked(pid: int) -> float:
    """Processor seconds of a process so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def outcomes(seconds: float) -> Iterator[Outcome]:
    """Bombs, then Ctrl-C."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        yield from bombs(Path(place))
        yield interrupted(Path(place), seconds - (time.monotonic() - began))


if __name__ == "__main__":
    tell(outcomes)
