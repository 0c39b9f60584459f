"""`diptych serve` as a process of its own: up, asked, ended."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import pytest

from diptych.web import server
from diptych.workbench import Workbench
from served_page import wait_until_ready


def command(pictures: Path, *more: str) -> list[str]:
    words = [sys.executable, "-m", "diptych", "serve", str(pictures), "-e", "palette", "--no-open", "--quiet"]
    return [*words, *more]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send to a process there")
def test_it_prints_its_link_answers_and_ends_with_control_c(pictures: Path) -> None:
    process = subprocess.Popen(
        command(pictures, "--port", "0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[0]
    assert httpx.get(url, timeout=60).status_code == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert (out, err) == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send to a process there")
def test_control_c_ends_it_without_a_word_while_others_wait_for_an_answer(
    pictures: Path, tmp_path: Path
) -> None:
    bench = Workbench(pictures, ["palette", "random"], store=tmp_path / "s.sqlite")
    for text in (f"red {number}" for number in range(40)):
        for picture in bench.collection.pictures[::4]:
            bench.judge(text, picture.id, int(picture.label == "red"))
    more = ("-e", "random", "--port", "0", "--store", str(tmp_path / "s.sqlite"))
    process = subprocess.Popen(
        command(pictures, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[0]
    with httpx.Client(base_url=url, timeout=60) as http, ThreadPoolExecutor(5) as others:
        wait_until_ready(http)
        waiting = [others.submit(http.get, "/export/evaluation.html") for _ in range(5)]
        assert http.get("/api/verdict").status_code == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        for each in waiting:
            assert each.exception() is not None or each.result().status_code in {200, 500}
    assert process.returncode == 0
    assert (out, err) == ("", "")


def test_a_port_that_is_taken_is_said_in_one_line(pictures: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(command(pictures, "--port", port), capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert f"can't listen on 127.0.0.1 port {port}" in line
    assert "--port" in line


def test_answers_are_sent_at_once_and_not_held_back_for_more() -> None:
    """Head and body of an answer are written one after the other; with Nagle's algorithm the body waits."""

    async def nodelay() -> int:
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            seen.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = server._listen("127.0.0.1", 0)
        async with await asyncio.start_server(connected, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            writer.close()
            return await seen

    assert asyncio.run(nodelay()) == 1
