"""What all emulators share: a port, a quota, bad weather on command, and a record of what was served."""

from __future__ import annotations

import hashlib
import math
import random
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from diptych.embedders.base import Embedder
from diptych.emulators.front_end import listen
from diptych.emulators.model import InputLimits, ServedModel
from diptych.emulators.replies import Refusal, Reply, Request, json_reply
from diptych.errors import DiptychError

REMEMBERED = 100_000
"""How many of the latest answers `Emulator.served` holds."""


@dataclass(frozen=True)
class Served:
    """One thing that a request was answered for; a text and an image sent together are two.

    Attributes:
        status: The HTTP status; 0 is a connection dropped on purpose.
        kind: What was sent, or None where the request could not be read.
        sha256: The hash of the picture's bytes or of the text in UTF-8, in hexadecimal; None without a kind.
    """

    status: int
    kind: Literal["image", "text"] | None
    sha256: str | None


@dataclass(frozen=True)
class EmbeddingRequest:
    """What one request asks for.

    Attributes:
        items: What to make a vector of each, in order: texts, and pictures as their bytes. Several in one
            are fused into one vector, as the services do.
        dimension: The length of the vectors.
    """

    items: tuple[tuple[str | bytes, ...], ...]
    dimension: int

    @property
    def parts(self) -> list[str | bytes]:
        """The texts and pictures of all items."""
        return [part for item in self.items for part in item]

    @property
    def text_tokens(self) -> int:
        """What the texts would be billed as, at 4 characters a token."""
        return math.ceil(sum(len(part) for part in self.parts if isinstance(part, str)) / 4)


class TokenBucket:
    """Lets through a number of calls a minute, all of them at once if need be.

    Args:
        per_minute: The size of the bucket, which fills up evenly within a minute.
        clock: Tells the time in seconds.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = max(1.0, per_minute)
        self._per_second = per_minute / 60.0
        self._clock = clock
        self._level, self._at = self._size, clock()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take one call; returns 0.0, or the seconds until there will be one."""
        with self._lock:
            now = self._clock()
            self._level = min(self._size, self._level + (now - self._at) * self._per_second)
            self._at = now
            if self._level < 1.0:
                return (1.0 - self._level) / self._per_second
            self._level -= 1.0
            return 0.0


class Emulator(ABC):
    """A hosted embedder's endpoint, served on 127.0.0.1 by this process.

    The port is taken at once; answers come inside a `with` block (from a background thread) or while
    `serve_forever` runs. Nothing of a request is kept or logged but hashes of what was embedded.

    Args:
        embedder: Makes the vectors.
        port: The port; 0 picks a free one.
        latency: Seconds that every embedding request takes; longer only where its own work does.
        error_rate: The share of such requests (0 to 1) that fail as one of `weather`.
        requests_per_minute: The quota, after which they get a 429; None is none.
        seed: Of the draws for `error_rate`; they follow the order in which requests arrive.

    Attributes:
        url: The address to give to clients in place of the service's own.
        port: The port that it listens on.
        title: The service that is played.
        limits: What its models take.
        weather: The failures that `error_rate` draws from: everything that a client must survive. The waits
            that they ask for are short, to keep tests quick.
        try_it: A line to try it with; `{url}` stands for the address.

    Raises:
        DiptychError: The port can't be used, or an argument is out of range.
    """

    title: ClassVar[str]
    try_it: ClassVar[str]
    limits: ClassVar[InputLimits]
    weather: ClassVar[tuple[Reply, ...]]

    def __init__(
        self,
        embedder: Embedder,
        *,
        port: int = 0,
        latency: float = 0.0,
        error_rate: float = 0.0,
        requests_per_minute: float | None = None,
        seed: int = 0,
    ) -> None:
        if not latency >= 0.0:
            raise DiptychError(f"latency is in seconds, 0 or more, not {latency}")
        if not 0.0 <= error_rate <= 1.0:
            raise DiptychError(f"error rate is a share from 0 to 1, not {error_rate}")
        if requests_per_minute is not None and not requests_per_minute > 0.0:
            raise DiptychError(f"requests per minute must be more than 0, not {requests_per_minute}")
        self._model = ServedModel(embedder, self.limits, self.refuse)
        self._latency = latency
        self._error_rate = error_rate
        self._quota = TokenBucket(requests_per_minute) if requests_per_minute else None
        self._random = random.Random(seed)  # noqa: S311 - it only decides which call fails
        self._served: deque[Served] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._server = listen(self.answer, port)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @staticmethod
    @abstractmethod
    def refuse(status: int, message: str) -> Reply:
        """Say no in the service's envelope."""

    @staticmethod
    @abstractmethod
    def over_quota(wait: float) -> Reply:
        """Say that the quota is used up for so many seconds."""

    @abstractmethod
    def elsewhere(self, request: Request) -> Reply | None:
        """Answer what is not an embedding request; None where it is one."""

    @abstractmethod
    def turn_away(self, request: Request) -> Reply | None:
        """Refuse who may not call, or what is not there to be called."""

    @abstractmethod
    def understand(self, request: Request) -> EmbeddingRequest:
        """Read an embedding request.

        Raises:
            Refusal: The reply that the service gives instead.
        """

    @abstractmethod
    def compose(
        self, asked: EmbeddingRequest, vectors: Sequence[list[float]], request: Request
    ) -> dict[str, Any]:
        """Make the JSON of a good answer."""

    @property
    def served(self) -> list[Served]:
        """What embedding requests were answered for, in order; a copy, the latest `REMEMBERED` of them."""
        with self._lock:
            return list(self._served)

    def serve_forever(self) -> None:
        """Answer until interrupted (Ctrl-C raises KeyboardInterrupt as usual), or closed by a thread."""
        with self:
            while not self._closing.wait(1.0):  # an endless wait can't be interrupted on Windows
                pass

    def close(self) -> None:
        """Stop answering, end open connections and free the port."""
        self._closing.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="emulator", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, request: Request) -> Reply:
        """Answer one request, from the thread of its connection."""
        reply = self.elsewhere(request)
        if reply is not None:
            return reply
        end = time.monotonic() + self._latency
        asked = self._understood(request)
        reply = (
            self.turn_away(request)
            or self._over_quota()
            or self._bad_weather()
            or self._embed(asked, request)
        )
        self._remember(reply.status, asked)
        self._closing.wait(max(0.0, end - time.monotonic()))
        return reply

    def _understood(self, request: Request) -> EmbeddingRequest | Reply:
        try:
            return self.understand(request)
        except Refusal as refusal:
            return refusal.reply

    def _over_quota(self) -> Reply | None:
        wait = self._quota.take() if self._quota else 0.0
        return self.over_quota(wait) if wait else None

    def _bad_weather(self) -> Reply | None:
        with self._lock:
            return self._random.choice(self.weather) if self._random.random() < self._error_rate else None

    def _embed(self, asked: EmbeddingRequest | Reply, request: Request) -> Reply:
        if isinstance(asked, Reply):
            return asked
        try:
            vectors = [as_json_numbers(self._model.embed(item, asked.dimension)) for item in asked.items]
        except Refusal as refusal:
            return refusal.reply
        return json_reply(self.compose(asked, vectors, request))

    def _remember(self, status: int, asked: EmbeddingRequest | Reply) -> None:
        entries = [Served(status, None, None)]
        if isinstance(asked, EmbeddingRequest):
            entries = [_served(status, part) for part in asked.parts]
        with self._lock:
            self._served.extend(entries)


def _served(status: int, part: str | bytes) -> Served:
    if isinstance(part, bytes):
        return Served(status, "image", hashlib.sha256(part).hexdigest())
    # a lone surrogate is valid in JSON, but not in UTF-8
    return Served(status, "text", hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest())


def as_json_numbers(vector: NDArray[np.float32]) -> list[float]:
    """Give float32 numbers as the services print them, with the nine digits that they have."""
    return [float(f"{number:.9g}") for number in vector]
