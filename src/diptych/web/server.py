"""The page served on this machine, and the link that opens it."""

from __future__ import annotations

import html
import logging
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from diptych.errors import DiptychError
from diptych.workbench import Workbench

if TYPE_CHECKING:
    import uvicorn

    from diptych.web.security import Access

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (recognised, not bound)

_LEFT_AT_THE_END = 1
"""Seconds in which those who are being answered are still answered once it is to end."""

_SANDBOX = "allow-scripts allow-same-origin allow-forms allow-downloads"
"""What the page may do in a notebook's frame: run scripts, of its own origin and not the notebook's,
send queries as forms and download reports. It opens no window and leads nowhere else."""


class Page:
    """A page that is served.

    Args:
        url: The link that opens it, with its token where one is needed.
        server: What answers.
        listening: On what.
        framed: Whether the notebook it is served from may show it in a frame.

    Attributes:
        url: As given.
    """

    def __init__(
        self, url: str, server: uvicorn.Server, listening: socket.socket, *, framed: bool = False
    ) -> None:
        self.url = url
        self._framed = framed
        self._server = server
        self._listening = listening
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Answer until interrupted, or closed by another thread."""
        self._server.run([self._listening])

    def start(self) -> None:
        """Answer from a thread in the background, until closed or as long as the process lives."""
        self._thread = threading.Thread(target=self.run, name="page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering; what is being embedded goes on."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return f"<Page {self.url}>"

    def _repr_html_(self) -> str:
        """In a notebook: the page in a frame, where the notebook may show it, and the link."""
        shown = html.escape(self.url)
        link = f'<a href="{shown}" target="_blank" rel="noopener">{shown}</a>'
        if not self._framed:
            return link
        return (
            f'<iframe src="{shown}" title="Diptych: compare embedders" loading="lazy" sandbox="{_SANDBOX}"'
            ' referrerpolicy="no-referrer" style="width:100%;height:760px;border:1px solid #8886"></iframe>'
            f"<div>In a tab of its own, or where nothing is shown above: {link}</div>"
        )


def open_page(
    bench: Workbench,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    max_cost: float = 0.0,
    planned: int = 0,
    proxy: Callable[[int], str] | None = None,
    framed_by: Collection[str] = (),
) -> Page:
    """Take a port and begin to embed what is missing; `run` or `start` then answers.

    Args:
        bench: What to serve.
        host: The address to listen on; on any but this machine's own a token is asked for.
        port: The port; 0 takes a free one.
        max_cost: US dollars that may be spent without asking.
        planned: How many queries will be judged there; 0 where nobody knows yet.
        proxy: Tells the address under which a browser reaches a port of this machine, where that is another.
        framed_by: Origins that may show the page in a frame; not heeded behind a proxy or on another address.

    Raises:
        DiptychError: The port can't be used.
    """
    import uvicorn

    from diptych.web.app import make_app
    from diptych.web.state import PageState

    listening = _listen(host, port)
    at = listening.getsockname()[1]
    outside = proxy(at).rstrip("/") if proxy else ""
    access = _access(host, outside, framed_by)
    state = PageState(bench, max_cost, planned)
    config = uvicorn.Config(
        make_app(state, access),
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=_LEFT_AT_THE_END,
    )
    state.start()
    link = _link(outside or _address(host, at), access.token)
    return Page(link, _server(config), listening, framed=bool(access.framed_by))


def _server(config: uvicorn.Config) -> uvicorn.Server:
    """A server that ends without a word of those it can't answer any more."""
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            logging.getLogger("uvicorn.error").disabled = True  # until the next one is configured
            await super().shutdown(sockets)

    return Server(config)


def _access(host: str, outside: str, framed_by: Collection[str]) -> Access:
    """Whom to answer: on this machine's own address its own pages, elsewhere whoever has the token."""
    from diptych.web.security import OWN_NAMES, Access

    if outside:
        behind = urlsplit(outside)
        origins = frozenset({f"{behind.scheme}://{behind.netloc}"})
        return Access(OWN_NAMES | {behind.hostname or ""}, origins=origins, token=_token())
    if host in LOOPBACK:
        return Access(framed_by=framed_by)
    names = OWN_NAMES | {host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
    return Access(names, any_address=host in EVERYWHERE, token=_token())


def _token() -> str:
    return secrets.token_urlsafe(24)


def _link(address: str, token: str | None) -> str:
    return f"{address}/" + (f"?{urlencode({'token': token})}" if token else "")


def _address(host: str, port: int) -> str:
    """Where a browser finds it; a server that listens everywhere by this machine's name."""
    name = socket.gethostname() if host in EVERYWHERE else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Named as TCP, or asyncio does not turn Nagle's algorithm off and every answer comes 40 ms late.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if sys.platform != "win32":  # there it would let two servers have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(256)  # whoever comes before the server has begun waits for it
    except (OSError, OverflowError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise DiptychError(
            f"can't listen on {host} port {port}: {why}; choose with --host and --port (0 takes any free one)"
        ) from error
    return listening


def colab_proxy() -> Callable[[int], str] | None:
    """In Colab, where the browser is elsewhere: what tells the address of a port there."""
    if "google.colab" not in sys.modules:
        return None
    from google.colab.output import eval_js

    return lambda port: str(eval_js(f"google.colab.kernel.proxyPort({port})"))
