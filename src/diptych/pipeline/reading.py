"""Pictures are read and decoded once for all embedders that lack them, a window of them ahead of each.

Each embedder has a `Lane`. A picture that is decoded goes to every lane that wants it and has room for it, so
memory holds a window for each, however many pictures there are. While a lane has no room the others wait for
it, but not for long: one that is slow, or stands still, misses what goes by, and has it decoded again.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, TypeAlias

from PIL import Image

from diptych.embedders.base import Embedder, EmbedderUnavailable, TransientError, only_looks
from diptych.embedders.pictures import sharing
from diptych.embedders.self_check import is_free
from diptych.images import Collection, Picture, memory_kept
from diptych.images.work import DecodingStopped, stop_with

DECODERS = os.cpu_count() or 1
"""Pictures that are decoded at once."""

PATIENCE = 10.0
"""Seconds in which others wait for a lane that stands still, or that has not told yet what it wants."""

_HERE, _ELSEWHERE = 10.0, 1.0
"""How many times as long as decoding takes others wait for a lane with each picture.

One that computes on these cores leaves nothing to gain for others but to be ready sooner: so they wait until
to decode again for it adds no more than a tenth to its own work. While a service computes, cores stand idle.
"""


class Prepared(NamedTuple):
    """A picture on its lane.

    Attributes:
        picture: Which.
        item: What the embedder made of it.
        error: What went wrong with it, where something did.
    """

    picture: Picture
    item: Any
    error: Exception | None


class PictureReader:
    """Decodes a collection's pictures for several lanes; safe to use from several threads.

    Args:
        collection: The pictures.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._lanes: list[Lane] = []
        self._decoders: _Decoders | None = None
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._seconds, self._decodes = 0.0, 0

    def lane(self, embedder: Embedder) -> Lane:
        """A lane for an embedder, for which others wait until it tells what it wants; leave it by `with`."""
        with self._changed:
            lane = Lane(self, embedder)
            self._lanes.append(lane)
        return lane

    def stop(self) -> None:
        """Let all lanes end in `DecodingStopped`: nobody waits for them any more."""
        with self._changed:
            self._stopped.set()
            if self._decoders is not None:
                self._decoders.stop.set()
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait; raises `DecodingStopped` where all is to end."""
        if self._stopped.wait(seconds):
            raise DecodingStopped

    def start(self, lane: Lane, pictures: Sequence[Picture]) -> None:
        """Let a lane have these pictures."""
        with self._changed:
            if self._decoders is None:
                self._decoders = _Decoders()
            lane.want(pictures)
            self._begin()

    def take(self, lane: Lane) -> Future[Prepared] | None:
        """The next of a lane's pictures, as soon as it is begun; None where it has had all."""
        with self._changed:
            while not lane.begun:
                self.pause(0)
                self._begin()
                if not lane.begun:
                    if not lane.wanted:
                        return None
                    self._wait(lane)
            taken = lane.take(self._pace)
            self._begin()
        return taken

    def leave(self, lane: Lane) -> None:
        """Have a lane no more; the last one takes the threads with it."""
        with self._changed:
            self._lanes.remove(lane)
            self._begin()
            self._changed.notify_all()
            idle, self._decoders = (None, self._decoders) if self._lanes else (self._decoders, None)
        if idle is not None:
            idle.close()

    @property
    def _pace(self) -> float:
        """Seconds in which a picture is read and decoded, on average."""
        return self._seconds / self._decodes / DECODERS if self._decodes else 0.0

    def _wait(self, lane: Lane) -> None:
        """Wait until something changes; a lane that holds this one up for too long is waited for no more."""
        behind = [other for other in self._lanes if other.holds_up(lane.first)]
        left = min((other.patience_left for other in behind), default=None)
        if left is None or left > 0:
            self._changed.wait(left)
        else:
            for other in behind:
                other.trails = other.patience_left <= 0

    def _begin(self) -> None:
        """Give threads that are free something to decode."""
        decoders = self._decoders
        while decoders and decoders.busy < DECODERS and (picture := self._next()) is not None:
            slots = [(lane, lane.begin(picture)) for lane in self._lanes if lane.takes(picture)]
            decoders.busy += 1
            decoders.submit(self._work, decoders, picture, slots)
            self._changed.notify_all()

    def _next(self) -> Picture | None:
        """What to decode next: for the lane that has least of its window, best what others want too."""
        with_room = [lane for lane in self._lanes if lane.wanted and lane.has_room]
        free = [
            (len(lane.begun) / lane.window, -sum(other.takes(lane.first) for other in with_room), place)
            for place, lane in enumerate(with_room)
            if not any(other.holds_up(lane.first) for other in self._lanes)
        ]
        return with_room[min(free)[2]].first if free else None

    def _work(self, decoders: _Decoders, picture: Picture, slots: Sequence[_Slot]) -> None:
        """Read and decode one picture, and prepare it for all who take it."""
        try:
            for at_least, some in _by_pixels(slots):
                with self._decoded(picture, at_least) as image:
                    _prepare(picture, image, some)
        except Exception as error:  # noqa: BLE001 (a reader may raise anything; it costs one picture)
            _settle(slots, Prepared(picture, None, error))
        except BaseException as error:
            _settle(slots, error)
            raise
        finally:
            with self._changed:
                decoders.busy -= 1
                self._begin()

    @contextmanager
    def _decoded(self, picture: Picture, at_least: int | None) -> Iterator[Image.Image]:
        began = time.monotonic()
        with self._collection.decoded(picture, at_least=at_least) as image:
            with self._changed:
                self._seconds += time.monotonic() - began
                self._decodes += 1
            yield image


def _by_pixels(slots: Sequence[_Slot]) -> Iterator[tuple[int | None, list[_Slot]]]:
    """How many pixels to decode for whom: all of them, or fewer for those who make do with fewer.

    These get as many as any of them needs. Those who want all are decoded for separately: pictures of fewer
    pixels are sooner decoded and prepared, and what it costs in quality is what the two are compared for.
    """
    needed = [lane.embedder.info.decode_at_least for lane, _ in slots]
    whole = [slot for slot, pixels in zip(slots, needed, strict=True) if pixels is None]
    if whole:
        yield None, whole
    fewer = [pixels for pixels in needed if pixels is not None]
    if fewer:
        yield max(fewer), [slot for slot, pixels in zip(slots, needed, strict=True) if pixels is not None]


def _settle(slots: Sequence[_Slot], outcome: Prepared | BaseException) -> None:
    """Give the same outcome to all who wait for one yet."""
    for _, slot in slots:
        if slot.done():
            continue
        if isinstance(outcome, Prepared):
            slot.set_result(outcome)
        else:
            slot.set_exception(outcome)


def _prepare(picture: Picture, image: Image.Image, slots: Sequence[_Slot]) -> None:
    """Prepare a picture for each lane: what several embedders do alike is done once."""
    made: dict[Any, Any] = {}
    for lane, slot in slots:
        embedder = lane.embedder
        try:
            if only_looks(embedder):
                with sharing(made):
                    item = embedder.prepare_image(image)
            else:
                item = embedder.prepare_image(image if len(slots) == 1 else image.copy())
            slot.set_result(Prepared(picture, item, None))
        except (EmbedderUnavailable, TransientError) as error:  # not this picture's fault: the lane ends
            slot.set_exception(error)
        except Exception as error:  # noqa: BLE001 (a plug-in may raise anything; it costs one picture)
            slot.set_result(Prepared(picture, None, error))
        except BaseException as error:  # noqa: BLE001 (whoever waits for it is told)
            slot.set_exception(error)


class Lane:
    """One embedder's way through the pictures it wants; made by `PictureReader.lane`.

    Args:
        reader: Who decodes.
        embedder: Who prepares.

    Attributes:
        embedder: As given.
        window: How many pictures may be prepared ahead for it.
        wanted: By id those that are not begun yet.
        begun: Those that are, in order, until they are taken.
        trails: Whether the others wait for it no more.
    """

    def __init__(self, reader: PictureReader, embedder: Embedder) -> None:
        self.embedder = embedder
        self.window = 2 * embedder.info.batch_size + DECODERS
        self.wanted: OrderedDict[str, Picture] = OrderedDict()  # of which the first is found at once
        self.begun: deque[Future[Prepared]] = deque()
        self.trails = False
        self._reader = reader
        self._coming = True
        self._worth = _HERE if is_free(embedder) else _ELSEWHERE
        self._patience = PATIENCE
        self._full_since: float | None = time.monotonic()

    def __enter__(self) -> Lane:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._reader.leave(self)

    def over(self, pictures: Sequence[Picture]) -> Iterator[Prepared]:
        """These pictures one after another, prepared; best in this order, but what others go by comes first.

        Raises:
            EmbedderUnavailable: The embedder says so of itself; likewise `TransientError`.
            DecodingStopped: All is to end.
        """
        self._reader.start(self, pictures)
        while (slot := self._reader.take(self)) is not None:
            yield slot.result()

    def pause(self, seconds: float) -> None:
        """Wait; raises `DecodingStopped` where all is to end."""
        self._reader.pause(seconds)

    # The rest is for the reader, under its lock.

    @property
    def first(self) -> Picture:
        """The next one that it wants."""
        return next(iter(self.wanted.values()))

    @property
    def has_room(self) -> bool:
        """Whether another picture may be prepared for it."""
        return not self._coming and len(self.begun) < self.window

    @property
    def patience_left(self) -> float:
        """Seconds in which others still wait for it."""
        waited = 0.0 if self._full_since is None else time.monotonic() - self._full_since
        return self._patience - waited

    def takes(self, picture: Picture) -> bool:
        """Whether a picture that is decoded now is prepared for it."""
        return picture.id in self.wanted and self.has_room

    def holds_up(self, picture: Picture) -> bool:
        """Whether a picture had better not be decoded before this lane has room for it."""
        return not self.trails and not self.has_room and (self._coming or picture.id in self.wanted)

    def want(self, pictures: Sequence[Picture]) -> None:
        """Take part with these pictures from now on."""
        self.wanted.update((picture.id, picture) for picture in pictures)
        self.trails = self._coming = False
        self._patience, self._full_since = PATIENCE, None

    def begin(self, picture: Picture) -> Future[Prepared]:
        """Note that a picture is decoded now; what comes of it goes into the place that is returned."""
        del self.wanted[picture.id]
        slot: Future[Prepared] = Future()
        self.begun.append(slot)
        if not self.has_room:
            self._full_since = time.monotonic()
        return slot

    def take(self, pace: float) -> Future[Prepared]:
        """Make room; `pace` is the seconds in which a picture is decoded."""
        self._patience = min(PATIENCE, self.patience_left + self._worth * pace)
        self._full_since = None
        return self.begun.popleft()


class _Decoders:
    """Threads that decode, and memory that is kept for it.

    Attributes:
        busy: How many pictures they are at.
        stop: Ends these.
    """

    def __init__(self) -> None:
        self.busy = 0
        self.stop = threading.Event()
        self._memory = ExitStack()
        self._memory.enter_context(memory_kept(DECODERS))
        self._threads = ThreadPoolExecutor(DECODERS, "decode", initializer=stop_with, initargs=(self.stop,))
        self.submit = self._threads.submit

    def close(self) -> None:
        """End what is being decoded, as nobody waits for it, and give the memory back."""
        self.stop.set()
        self._threads.shutdown(cancel_futures=True)
        self._memory.close()


_Slot: TypeAlias = tuple[Lane, "Future[Prepared]"]
"""A lane, and where what it gets of a picture goes."""
