"""However many decode at once, what pictures take in memory is bounded, and is what they are counted as."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from diptych.images import Limits, UnreadablePicture, decode, memory, open_collection
from diptych.images.decode import _READERS, decoded
from diptych.images.memory import Room
from diptych.images.work import DecodingStopped, stop_with


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


FORMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG": ("RGB", "JPEG", {}),
    "JPEG, progressive": ("CMYK", "JPEG", {"progressive": True}),
    "PNG": ("RGBA", "PNG", {"compress_level": 1}),
    "PNG, 16 bits": ("I;16", "PNG", {"compress_level": 1}),
    "GIF": ("P", "GIF", {"transparency": 0}),
    "WebP": ("RGBA", "WEBP", {"lossless": True, "method": 0, "quality": 0}),
    "AVIF": ("RGBA", "AVIF", {"speed": 10}),
    "BMP": ("RGBA", "BMP", {}),
    "TIFF": ("F", "TIFF", {}),
    "TIFF, LZW": ("RGBA", "TIFF", {"compression": "tiff_lzw"}),
    "JPEG 2000": ("RGBA", "JPEG2000", {"irreversible": False}),
    "PNM": ("RGB", "PPM", {}),
}

DECODED_IN_TURN = """
import os, re, sys
from pathlib import Path
from diptych.images import Limits
from diptych.images.decode import decode_here
from diptych.images.formats import format_of

def megabytes(what):
    return int(re.search(what + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

small, large = (sorted(Path(sys.argv[1], size).iterdir()) for size in ("small", "large"))
for each in small:  # whatever is loaded for them is loaded once
    data = each.read_bytes()
    decode_here(data, format_of(data), Limits(), None, lambda *_: None)
for each in large:
    data, counted = each.read_bytes(), []
    child = os.fork()  # so that none has the memory that another gave back
    if child == 0:
        Path("/proc/self/clear_refs").write_text("5")
        before = megabytes("VmRSS")
        limits, kind = Limits(seconds=600), format_of(data)
        decode_here(data, kind, limits, None, lambda *asked: counted.append(asked[2] / 2**20))
        print(each.name, megabytes("VmHWM") - before, max(counted), sep="\\t", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux does it")
def test_no_format_takes_more_than_it_is_counted_as(tmp_path: Path) -> None:
    for size, side in (("small", 40), ("large", 2400)):
        (tmp_path / size).mkdir()
        noise = Image.effect_noise((side, side), 60)
        for name, (mode, form, options) in FORMS.items():
            data = encoded(noise.convert(mode), form, **options)
            (tmp_path / size / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", DECODED_IN_TURN, str(tmp_path)], capture_output=True, text=True, timeout=600
    )
    assert done.stderr == ""
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {name for name, *_ in rows} == set(FORMS)
    for name, took, counted in rows:
        assert float(took) <= float(counted) + 8, (name, took, counted)


def test_every_format_is_counted() -> None:
    assert set(memory._WHILE_DECODED) == set(_READERS)


MANY_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from diptych.images import memory, open_collection
memory.pixels.size = int(sys.argv[2])
collection = open_collection(sys.argv[1])
before = peak()

def small(picture):
    with collection.decoded(picture) as image:
        return image.resize((9, 9)).size

with ThreadPoolExecutor(16) as threads:
    assert set(threads.map(small, collection.pictures)) == {(9, 9)}
print(peak() - before, memory.pixels.most, memory.files.most)
"""

PEAK = """
import re
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux does it")
def test_sixteen_threads_share_one_bound(tmp_path: Path) -> None:
    side = 3000  # 45 MB each: as gray, then in Pillow's four bytes
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for number in range(16):
            archive.writestr(f"{number}.png", encoded(Image.new("L", (side, side), number), "PNG"))
    room = 3 * 10 * side * side  # three at once, as they are counted
    child = subprocess.run(
        [sys.executable, "-c", PEAK + MANY_THREADS, str(tmp_path / "p.zip"), str(room)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert child.stderr == ""
    took, pixels, files = map(int, child.stdout.split())
    assert pixels <= room
    assert 0 < files <= memory.FILES_ROOM
    assert took <= room / 2**20 + 60


def test_a_picture_counts_as_long_as_its_block_lasts_and_less_once_it_is_decoded() -> None:
    before = memory.pixels._taken
    with decoded(encoded(Image.new("RGB", (100, 50)), "PNG")) as image:
        assert image.size == (100, 50)
        assert memory.pixels._taken - before == 100 * 50 * memory.RGB
    assert memory.pixels._taken == before


def test_what_cannot_be_read_gives_its_memory_back(tmp_path: Path) -> None:
    whole = encoded(Image.effect_noise((200, 200), 50), "PNG")
    before = memory.pixels._taken, memory.files._taken
    with pytest.raises(UnreadablePicture):
        decode(whole[:-2000])
    (tmp_path / "a.png").write_bytes(whole)
    collection = open_collection(tmp_path)
    (tmp_path / "a.png").write_bytes(whole + b"changed")
    with pytest.raises(UnreadablePicture, match="changed"), collection.decoded(collection.pictures[0]):
        pass
    assert (memory.pixels._taken, memory.files._taken) == before


def test_more_than_the_room_waits_until_it_is_alone_and_later_ones_wait_for_it() -> None:
    room, order = Room(100), list[int]()
    first_may_end, pause = threading.Event(), threading.Event()

    def take(much: int, until: threading.Event | None = None) -> None:
        with room.hold() as hold:
            hold.take(much)
            order.append(much)
            if until is not None:
                assert until.wait(60)

    with ThreadPoolExecutor(3) as threads:
        work = [threads.submit(take, 60, first_may_end)]
        while order != [60]:
            pause.wait(0.001)
        work.append(threads.submit(take, 500))
        while len(room._waiting) < 1:
            pause.wait(0.001)
        work.append(threads.submit(take, 10))
        while len(room._waiting) < 2:
            pause.wait(0.001)
        assert order == [60]
        first_may_end.set()
        for each in work:
            each.result(60)
    assert order == [60, 500, 10]
    assert room.most == 500


def test_within_its_own_hold_a_thread_waits_for_nobody() -> None:
    room = Room(100)
    with room.hold() as outer:
        outer.take(90)
        with room.hold() as inner:
            inner.take(90)
            assert room._taken == 180
        assert room._taken == 90
    assert room._taken == 0


def test_who_waits_for_room_leaves_soon_when_nobody_waits_for_the_picture() -> None:
    room, stop, stopped = Room(100), threading.Event(), threading.Event()

    def wait() -> None:
        stop_with(stop)
        with pytest.raises(DecodingStopped), room.hold() as hold:
            hold.take(90)
        stopped.set()

    with room.hold() as mine:
        mine.take(50)
        waiting = threading.Thread(target=wait)
        waiting.start()
        stop.set()
        assert stopped.wait(60)
        waiting.join()
    assert room._taken == 0


def tiff(width: int, height: int, samples: int, body: bytes) -> bytes:
    """A TIFF of bytes in one strip, so many for each pixel."""
    entries = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 2), (273, 4, 8)]
    entries += [(277, 3, samples), (278, 4, height), (279, 4, len(body)), (284, 3, 1)]
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = b"II*\0" + struct.pack("<I", 8 + len(body))
    return head + body + struct.pack("<H", len(entries)) + fields + bytes(4)


def test_few_bytes_that_declare_thousands_of_samples_for_a_pixel_are_held_by_the_limit_on_pixels() -> None:
    with pytest.raises(UnreadablePicture, match=r"its samples take 1\.5 GB, over the limit of 0\.51"):
        decode(tiff(32768, 23, 2048, bytes(100)), Limits(megapixels=16))


def test_a_strip_of_more_bytes_than_pillow_allows_pixels_is_read() -> None:
    side, samples = 1000, 200
    data = tiff(side, side, samples, b"\x2a" * (side * side * samples))
    assert decode(data).getpixel((999, 999)) == (42, 42, 42)
