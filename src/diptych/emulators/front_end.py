"""The HTTP side of an emulator: what a front end does before a request reaches a service."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from diptych.emulators.replies import DROPPED, Refusal, Reply, Request, html_error
from diptych.errors import DiptychError

MAX_BODY = 30 * 1024 * 1024
"""Bytes; a larger request is refused unread, with a page of HTML."""

LONGEST_SILENCE = 2.0
LONGEST_LINGER = 60.0
"""Seconds that a client whose request was refused unread may pause, and may go on sending."""

Answer = Callable[[Request], Reply]


def listen(answer: Answer, port: int) -> FrontEnd:
    """Take a port of this machine (0: a free one), to be served by `serve_forever`.

    Raises:
        DiptychError: The port can't be used.
    """
    try:
        return FrontEnd(answer, port)
    except (OSError, OverflowError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "ports go from 0 to 65535"
        raise DiptychError(f"can't listen on port {port}: {reason}; choose another port") from problem


class FrontEnd(ThreadingHTTPServer):
    """Listens on 127.0.0.1 only, one thread a connection, and ends open connections when it closes."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = sys.platform != "win32"  # there it would let two servers share a port

    def __init__(self, answer: Answer, port: int) -> None:
        self.answer = answer
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking DNS for this machine's name, as HTTPServer would: that can take seconds."""
        socketserver.TCPServer.server_bind(self)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and note it."""
        connection, address = super().get_request()
        with self._lock:
            self._open.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        with self._lock:
            self._open.discard(request)
        super().close_request(request)

    def server_close(self) -> None:
        """Free the port and end what is still connected."""
        super().server_close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away; anything else is a fault here and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 with one client."""

    server: FrontEnd
    protocol_version = "HTTP/1.1"
    server_version = "diptych-emulator"
    sys_version = ""
    timeout = 240  # seconds that a connection may stay idle
    wbufsize = -1  # head and body leave in one packet
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Read the request, have it answered, send the answer."""
        try:
            body = self._read_body()
        except Refusal as refusal:
            self._send(refusal.reply, last=True)
            self._linger()
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.answer(Request(self.command, self.path, headers, body))
        if reply is DROPPED:
            self.close_connection = True
        else:
            self._send(reply)

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - http.server's names

    def handle_expect_100(self) -> bool:
        """Ask for the body at once, as clients want that send `Expect: 100-continue`."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing: what is asked is nobody else's business."""

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunks()
        return self._read_exactly(_length(self.headers.get("Content-Length", "0"), base=10))

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := _length(self._read_line().partition(";")[0], base=16):
            body += self._read_exactly(size, already=len(body))
            self._read_line()
        while self._read_line():  # trailers
            pass
        return bytes(body)

    def _read_line(self) -> str:
        return self.rfile.readline(1024).decode("latin-1").strip()

    def _read_exactly(self, size: int, already: int = 0) -> bytes:
        if already + size > MAX_BODY:
            raise Refusal(html_error(413, "Your client issued a request that was too large."))
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionAbortedError("the client went away")
        return data

    def _send(self, reply: Reply, *, last: bool = False) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if last:
            self.send_header("Connection", "close")  # which sets close_connection, too
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()

    def _linger(self) -> None:
        """Read away what the client is still sending, so that it gets to read its answer.

        Closing at once would reset the connection, and the answer would be lost.
        """
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(LONGEST_SILENCE)
        end = time.monotonic() + LONGEST_LINGER
        with contextlib.suppress(OSError):
            while time.monotonic() < end and self.connection.recv(1 << 16):
                pass


def _length(text: str, base: int) -> int:
    digits = "0123456789abcdef"[:base]
    if not 0 < len(text) <= 16 or set(text.lower()) - set(digits):
        raise Refusal(html_error(400, "Your client has issued a malformed or illegal request."))
    return int(text, base)
