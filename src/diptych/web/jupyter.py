"""Which Jupyter server shows this process's notebook, where its page is on this machine's own address."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from diptych.web.security import OWN_NAMES

_ELSEWHERE = ("SSH_CONNECTION", "SSH_CLIENT", "JUPYTERHUB_API_URL", "CODESPACES")
"""Variables of the environment that say: the browser is, or may be, on another machine."""

_NAMES = OWN_NAMES - {"::1"}  # a Content Security Policy has no form for addresses of IPv6


def notebook_origins() -> frozenset[str]:
    """The origins of the notebook that this process answers for, for `open_page(framed_by=…)`.

    Jupyter's server says its own process id to the kernels it starts, and its address in a file for the same
    person alone. A notebook opened at `localhost` may as well be opened at `127.0.0.1`, so both are given.

    Returns:
        Such as `http://localhost:8888`; empty where this is not a notebook, or where it is not known for sure
        that the person's browser reaches this machine by its own address: over SSH, in JupyterHub, Colab or
        VS Code, behind a proxy, with https, and on Windows, where the kernel is told no process id.
    """
    if not _is_a_notebook() or any(name in os.environ for name in _ELSEWHERE):
        return frozenset()
    address = _address_of(os.environ.get("JPY_PARENT_PID", ""))
    try:
        parts = urlsplit(address)
        port = parts.port or 80
    except ValueError:
        return frozenset()
    if parts.scheme != "http" or parts.hostname not in _NAMES or parts.path != "/":
        return frozenset()
    return frozenset(f"http://{name}:{port}" for name in _NAMES)


def _is_a_notebook() -> bool:
    """Whether this process runs a notebook's cells, rather than having been started by one that does."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def _address_of(server: str) -> str:
    """The address that the Jupyter server of this process id has filed; empty where it has filed none."""
    from jupyter_core.paths import jupyter_runtime_dir  # there wherever a kernel is

    if not server.isdecimal():
        return ""
    try:
        filed = json.loads(Path(jupyter_runtime_dir(), f"jpserver-{server}.json").read_text("utf-8"))
        return str(filed["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
