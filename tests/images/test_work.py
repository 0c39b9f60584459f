"""Whatever its bytes, a picture costs a bounded amount of work, and none once nobody waits for it."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, features

from commands import run_each
from costly_pictures import avif_of_many_frames
from diptych.images import Limits, UnreadablePicture, decode
from diptych.images.work import DecodingStopped, stop_with
from diptych.pipeline.threads import pool


def progressive(repeats: int, size: tuple[int, int] = (1600, 1200)) -> bytes:
    """A progressive JPEG whose last scan, of a few bytes, comes again and again."""
    buffer = io.BytesIO()
    Image.new("L", size, 128).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * repeats + data[-2:]


def reason(data: bytes, limits: Limits = Limits()) -> str:
    with pytest.raises(UnreadablePicture) as caught:
        decode(data, limits)
    return str(caught.value)


def test_a_jpeg_of_usual_scans_is_decoded_whatever_they_are_estimated_to_take() -> None:
    assert decode(progressive(0), Limits(seconds=1)).size == (1600, 1200)
    assert decode(progressive(3), Limits(seconds=1)).getpixel((5, 5)) == (128, 128, 128)


def test_scans_beyond_what_the_pixels_justify_are_refused_before_a_pixel_is_decoded() -> None:
    assert "processor time" in reason(progressive(3000))


def test_many_scans_of_few_pixels_cost_little_and_are_decoded() -> None:
    assert decode(progressive(300, (80, 60))).size == (80, 60)


def test_runs_that_cannot_fill_the_pixels_are_refused_before_memory_is_taken() -> None:
    width, height = 60_000_000, 2
    body = (b"\x01\x00" + b"\x00\x00") * height + b"\x00\x01"
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    start = 14 + 40 + 1024
    data = b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + bytes(1024) + body
    assert "can't fill" in reason(data)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "TIFF", "PPM", "JPEG2000"])
def test_time_that_is_used_up_ends_the_decoding_with_that_reason(format_: str) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((100, 100), 90).convert("RGB").save(buffer, format_)
    assert "more than 0 s of processor time" in reason(buffer.getvalue(), Limits(seconds=0))


def test_hostile_metadata_are_bounded_by_the_time_too() -> None:
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "GIF")
    data = buffer.getvalue()
    start = data.index(b",")
    comment = b"!\xfe" + b"\x01x" * 400_000 + b"\0"
    assert "processor time" in reason(data[:start] + comment + data[start:], Limits(seconds=0.01))


def test_the_command_line_sets_the_limit(tmp_path: Path) -> None:
    (tmp_path / "scans.jpg").write_bytes(progressive(1000, (800, 600)))
    Image.new("RGB", (20, 20), "red").save(tmp_path / "red.png")
    command = ["compare", ".", "-e", "palette", "-q", "red", "--max-seconds", "0.3", "--store", "s.sqlite"]
    [done] = run_each([command], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "processor time" in done.stdout + done.stderr


def test_what_is_being_decoded_ends_when_the_pool_is_left_by_ctrl_c() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (50, 50)).save(buffer, "PNG")
    began, interrupted = threading.Event(), threading.Event()

    def work() -> Image.Image:
        began.set()
        assert interrupted.wait(60)
        while True:  # for ever, were it not stopped
            decode(buffer.getvalue())

    def interrupt() -> None:
        with pool(1, "decode") as executor:
            running.append(executor.submit(work))
            assert began.wait(60)
            threading.Timer(0.01, interrupted.set).start()
            raise KeyboardInterrupt

    running: list[object] = []
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert isinstance(running[0].exception(), DecodingStopped)  # type: ignore[attr-defined]


def test_being_stopped_is_no_fault_of_the_picture() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (50, 50)).save(buffer, "PNG")
    stop = threading.Event()
    stop.set()
    stop_with(stop)
    try:
        with pytest.raises(DecodingStopped):
            decode(buffer.getvalue())
    finally:
        stop_with(threading.Event())


# In a process of its own

needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="what a process does is read from /proc")


NOISE = Image.effect_noise((100, 80), 90).convert("RGB")


def written(format_: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    NOISE.save(buffer, format_, **options)
    return buffer.getvalue()


@needs_avif
def test_a_decoder_that_nothing_interrupts_is_ended_at_the_limit_and_the_next_picture_is_decoded() -> None:
    costly = avif_of_many_frames(10_000)
    for _ in range(2):
        said = reason(costly, Limits(seconds=0.1))
        assert said == "decoding it takes more than 0.5 s of processor time, the limit for its size"
        assert decode(avif_of_many_frames(2), Limits(seconds=0.1)).getpixel((5, 5)) == (90, 90, 90)


@needs_avif
def test_what_is_decoded_apart_ends_soon_when_nobody_waits_for_it() -> None:
    costly = avif_of_many_frames(100_000)
    stop, ended = threading.Event(), threading.Event()

    def work() -> None:
        stop_with(stop)
        with pytest.raises(DecodingStopped):
            decode(costly, Limits(seconds=10_000))
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    stop.set()
    thread.join(60)
    assert ended.is_set()


@needs_avif
@only_linux
def test_ctrl_c_ends_a_run_while_a_costly_picture_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "costly.avif").write_bytes(avif_of_many_frames(200_000))
    command = [sys.executable, "-m", "diptych", "embed", str(tmp_path / "pictures"), "-e", "palette"]
    command += ["--max-seconds", "100000", "--store", str(tmp_path / "store.sqlite")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    worker = wait_for(lambda: busy_child(process.pid))
    process.send_signal(signal.SIGINT)
    while process.poll() is None:  # by the worker's own clock, which a busy machine does not hasten
        assert seconds_of(worker) < 30, "it decodes on, for a minute or more"
    assert process.returncode == 130
    wait_for(lambda: not Path(f"/proc/{worker}").exists())


@needs_avif
@only_linux
def test_the_next_picture_does_not_pay_for_a_process_that_was_ended_meanwhile() -> None:
    decode(avif_of_many_frames(2))
    for worker in idle_children():
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda worker=worker: is_zombie_or_gone(worker))
    assert decode(avif_of_many_frames(2)).getpixel((5, 5)) == (90, 90, 90)


@needs_avif
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no process")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_that_is_forked_off_decodes_in_one_of_its_own(tmp_path: Path) -> None:
    decode(avif_of_many_frames(2))
    child = multiprocessing.get_context("fork").Process(target=decode_into, args=(tmp_path / "pixel.txt",))
    child.start()
    child.join(60)
    child.kill()
    assert (tmp_path / "pixel.txt").read_text() == "(90, 90, 90)"
    assert decode(avif_of_many_frames(2)).getpixel((5, 5)) == (90, 90, 90)


def decode_into(path: Path) -> None:
    """Decode a picture, and write down one of its pixels."""
    path.write_text(str(decode(avif_of_many_frames(2)).getpixel((5, 5))))


def idle_children() -> list[int]:
    """The processes that decode pictures for this one."""
    ours = Path(f"/proc/self/task/{threading.main_thread().native_id}/children").read_text().split()
    return [int(pid) for pid in ours if b"diptych.images.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def is_zombie_or_gone(pid: int) -> int:
    """1 where a process has ended, whether or not anybody has taken note."""
    stat = Path(f"/proc/{pid}/stat")
    return int(not stat.exists() or stat.read_text().rpartition(") ")[2].startswith("Z"))


def fields_of(stat: Path) -> list[str]:
    """What the system says of a process, from its state on; empty where it is gone."""
    try:
        return stat.read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def seconds_of(pid: int) -> float:
    """How long a process has worked; 0 where it is gone."""
    fields = fields_of(Path(f"/proc/{pid}/stat"))
    return int(fields[11]) / os.sysconf("SC_CLK_TCK") if fields else 0


def busy_child(pid: int) -> int:
    """The child of a process that has worked for longer than it takes to start; 0 while there is none."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields, child = fields_of(stat), int(stat.parent.name)
        if fields and int(fields[1]) == pid and seconds_of(child) > 3:
            return child
    return 0


def wait_for(found: Callable[[], int]) -> int:
    """What it finds, as soon as it finds something."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if got := found():
            return got
    pytest.fail("it did not come")


@pytest.mark.parametrize("compression", ["jpeg", "lzma", "zstd", "tiff_lzw"])
def test_tiff_is_decoded_alike_here_and_apart(compression: str) -> None:
    plain = decode(written("TIFF"))
    shown = decode(written("TIFF", compression=compression))
    assert shown.size == plain.size
    if compression != "jpeg":
        assert shown.tobytes() == plain.tobytes()
