"""Who may ask this server, and what a page of it may do: every request comes through here first.

A page on another site must reach neither the pictures nor the marks, whatever a browser is tricked into: the
Host must be one of this server's names, the Origin must be the page's own, state changes by POST alone, and
POST must say where it comes from. On any address but the machine's own a token is asked for as well.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

UPLOAD = "/api/pictures"
MOST_UPLOADED = 32_000_000
MOST_SENT = 256_000
"""Bytes of a picture from outside, and of any other request."""

COOKIE = "diptych-token"
OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",  # bars and curves: lengths, computed here
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
)
_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Access:
    """Whom a server answers.

    Attributes:
        names: The names and addresses that it is called by, without ports.
        any_address: Whether it answers to every address (not name) too: it listens on all of them.
        origins: Pages of a proxy that may use it as well, such as `https://….colab.dev`.
        framed_by: Origins that may show the page in a frame, such as that of a notebook.
        token: What must be shown to get in; None where the machine's own address is enough.
    """

    names: Collection[str] = OWN_NAMES
    any_address: bool = False
    origins: Collection[str] = field(default_factory=frozenset)
    framed_by: Collection[str] = field(default_factory=frozenset)
    token: str | None = None

    def knows_host(self, host: str) -> bool:
        """Whether a Host header names this server; the port may be a tunnel's."""
        name = _name(host)
        return name in self.names or (self.any_address and _is_address(name))

    def knows_origin(self, origin: str, host: str) -> bool:
        """Whether an Origin header is that of this server's own pages."""
        if origin in self.origins:
            return True
        parts = _split(origin)
        return parts is not None and parts == host.lower()


class Gate:
    """ASGI middleware: lets through what `Access` allows, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        self._headers = _headers(access.framed_by)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["type"] != "http":
            await JSONResponse({"detail": "WebSockets are not supported"}, 403)(scope, receive, send)
            return
        refusal = self._turn_away(scope)
        await (refusal or self._app)(scope, receive, send_safely)

    def _turn_away(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        return (
            self._foreign(scope, headers)
            or self._unknown(scope, headers)
            or _too_large(scope, headers)
        )  # fmt: skip

    def _foreign(self, scope: Scope, headers: Headers) -> Response | None:
        """Refuse what a foreign page or a foreign name asks for."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._access.knows_host(hosts[0]):
            return _refuse(403, "this server does not answer to that Host; use the address it printed")
        if any(not self._access.knows_origin(origin, hosts[0]) for origin in origins):
            return _refuse(
                403, "cross-origin requests are refused: open the page at the server's own address"
            )
        if scope["method"] not in {"GET", "HEAD"} and len(origins) != 1:
            return _refuse(403, f"say where this comes from: Origin: http://{hosts[0]}")
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "")
        followed = scope["method"] == "GET" and mode == "navigate"
        if site not in {"same-origin", "none"} and not followed and not self._access.origins:
            return _refuse(403, "cross-site requests are refused: open the page at the server's own address")
        return None

    def _unknown(self, scope: Scope, headers: Headers) -> Response | None:
        """Refuse whoever has no token, and change the one in a link for a cookie."""
        if self._access.token is None:
            return None
        asked = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if scope["method"] == "GET" and self._right(*asked.pop("token", ())):
            response = RedirectResponse(_without_token(scope["path"], asked), 303)
            response.set_cookie(_cookie(scope), self._access.token, httponly=True, samesite="lax")
            return response
        shown = [_cookie_value(headers.get("cookie", ""), _cookie(scope))]
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            shown.append(bearer.strip())
        if self._right(*shown):
            return None
        return _refuse(401, "a token is missing or wrong: open the link that `diptych serve` printed")

    def _right(self, *shown: str) -> bool:
        token = (self._access.token or "").encode()
        return any(hmac.compare_digest(one.encode("utf-8", "surrogateescape"), token) for one in shown if one)


def _headers(framed_by: Collection[str]) -> dict[str, str]:
    """The headers of every answer.

    `X-Frame-Options` can name no origin, so it is there only where all frames are forbidden.
    """
    ancestors = " ".join(sorted(framed_by)) or "'none'"
    policy = "; ".join((*_POLICY, f"frame-ancestors {ancestors}"))
    forbidden = {} if framed_by else {"X-Frame-Options": "DENY"}
    return {**_HEADERS, **forbidden, "Content-Security-Policy": policy}


def _cookie(scope: Scope) -> str:
    """The cookie's name: browsers keep cookies by host, and there may be another page on another port."""
    server = scope.get("server")
    return f"{COOKIE}-{server[1] if server else ''}"


def _cookie_value(header: str, name: str) -> str:
    """A cookie's value from a Cookie header; empty without one."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def _too_large(scope: Scope, headers: Headers) -> Response | None:
    """Refuse a body before it is read; one of unknown length is not read at all."""
    if scope["method"] in {"GET", "HEAD"}:
        return None
    length = headers.get("content-length", "")
    if not length.isdecimal():
        return _refuse(411, "Content-Length is required")
    most = MOST_UPLOADED if scope["path"] == UPLOAD else MOST_SENT
    if int(length) > most:
        return _refuse(413, f"{int(length) / 1e6:.3g} megabytes, over the limit of {most / 1e6:g}")
    return None


def _refuse(status: int, reason: str) -> Response:
    return JSONResponse({"detail": reason}, status)


def _without_token(path: str, query: Mapping[str, list[str]]) -> str:
    rest = urlencode(query, doseq=True)
    return quote("/" + path.lstrip("/\\")) + (f"?{rest}" if rest else "")


def _name(host: str) -> str:
    """The name or address in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _split(origin: str) -> str | None:
    """The host and port of an origin, where it is one of the web."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    whole = parts.scheme in {"http", "https"} and parts.netloc and not (parts.path or parts.query)
    return parts.netloc.lower() if whole else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
