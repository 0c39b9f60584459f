"""The Hugging Face Hub's few routes that loading a model uses, on 127.0.0.1."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

COMMIT = "1234567890abcdef1234567890abcdef12345678"


class LoopbackHub:
    """A hub of folders.

    Args:
        models: What each repository holds; None for one whose terms nobody has accepted.
        announced: Sizes of files that it says and that are not theirs.

    Attributes:
        url: What to set `HF_ENDPOINT` to.
        authorisations: The `Authorization` headers that came.
    """

    def __init__(
        self, models: dict[str, Path | None], announced: dict[str, dict[str, int]] | None = None
    ) -> None:
        self.models = models
        self.announced = announced or {}
        self.authorisations: set[str | None] = set()
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[LoopbackHub]:
        """Serve until the block is left, or until somebody asks for `/stop`."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """The status, headers and body for a path."""
        if path == "/stop":
            return 200, {}, b""
        parts = unquote(path).strip("/").split("/")
        in_api = parts[:2] == ["api", "models"]
        repo, rest = "/".join(parts[2:4] if in_api else parts[:2]), parts[4:] if in_api else parts[2:]
        if repo not in self.models:
            return 401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b""
        if len(rest) > 1 and rest[1] not in {"main", COMMIT}:
            return 404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": f"Invalid rev {rest[1]}"}, b""
        if rest[:1] == ["tree"]:
            return 404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}, b""
        folder = self.models[repo]
        if in_api:
            about = {"id": repo, "sha": COMMIT, "siblings": self._files(repo, folder)}
            return 200, {}, json.dumps(about).encode()
        if folder is None:
            return 403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}, b""
        file = folder.joinpath(*rest[2:])
        if not file.is_file():
            return 404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}, b""
        body = file.read_bytes()
        return 200, {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X-Repo-Commit": COMMIT}, body

    def _files(self, repo: str, folder: Path | None) -> list[dict[str, object]]:
        files = [path for path in folder.rglob("*") if path.is_file()] if folder else []
        sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files if folder}
        sizes |= self.announced.get(repo, {})
        return [{"rfilename": name, "size": size} for name, size in sizes.items()]


def _handler(hub: LoopbackHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.authorisations.add(self.headers["Authorization"])
            if self.path == "/stop":
                threading.Thread(target=self._stop).start()
            status, headers, body = hub.answer(self.path.partition("?")[0])
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def _stop(self) -> None:
            self.server.shutdown()
            self.server.server_close()  # so that the next client is refused, and does not wait

        def log_message(self, *args: object) -> None:
            pass

    return Handler
