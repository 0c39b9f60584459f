"""The pipeline embeds what is missing, stores it at once, and loses only the picture that is to blame."""

from __future__ import annotations

import dataclasses
import math
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, _imaging

from diptych.embedders import EmbedderInfo, EmbedderUnavailable, InputRejected, ServiceDown, TransientError
from diptych.embedders.base import RequestRefused
from diptych.errors import DiptychError
from diptych.images import Collection, open_collection
from diptych.pipeline import embed_images, embed_queries, image_vectors, iter_vectors
from diptych.pipeline.threads import as_done
from diptych.pipeline.vectors import usable
from diptych.queries import ImageQuery, TextQuery
from diptych.store.vectors import Store
from support import picture_bytes

COUNT = 23


class Colours:
    """Embeds a picture as its top left pixel; `faults` says what happens to a picture with that red."""

    def __init__(self, batch_size: int = 4, concurrency: int = 1, **faults: Exception) -> None:
        self.info = EmbedderInfo(
            name="colours", provider="test", model="1", dimension=3, preprocessing="one pixel",
            fingerprint="colours/1", batch_size=batch_size, concurrency=concurrency,
        )  # fmt: skip
        self.faults = {int(key.removeprefix("red_")): error for key, error in faults.items()}
        self.batches: list[list[int]] = []
        self.texts: list[str] = []
        self.together = 0
        self.most_together = 0
        self._lock = threading.Lock()

    def prepare_image(self, image: Image.Image) -> np.ndarray:
        return np.array(image.getpixel((0, 0)), np.float32)

    def embed_images(self, prepared: Sequence[Any]) -> np.ndarray:
        with self._lock:
            self.batches.append([int(pixel[0]) for pixel in prepared])
            self.together += 1
            self.most_together = max(self.most_together, self.together)
        try:
            for pixel in prepared:
                if int(pixel[0]) in self.faults:
                    raise self.faults[int(pixel[0])]
            return np.stack(prepared)
        finally:
            with self._lock:
                self.together -= 1

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        return np.array([[len(text), 1, 0] for text in texts], np.float32)


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    (tmp_path / "pictures").mkdir()
    for red in range(COUNT):
        (tmp_path / "pictures" / f"{red:02}.png").write_bytes(picture_bytes((red, 0, 5)))
    return open_collection(tmp_path / "pictures")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.sqlite") as store:
        yield store


def test_every_picture_is_embedded_once_in_batches_and_never_again(
    collection: Collection, store: Store
) -> None:
    embedder = Colours(batch_size=5)
    filled = embed_images(collection, embedder, store)
    assert (filled.embedded, filled.from_store, filled.refused) == (COUNT, 0, {})
    assert [len(batch) for batch in embedder.batches] == [5, 5, 5, 5, 3]
    assert sorted(red for batch in embedder.batches for red in batch) == list(range(COUNT))
    again = embed_images(collection, embedder, store)
    assert (again.embedded, again.from_store) == (0, COUNT)
    assert len(embedder.batches) == 5
    assert image_vectors(collection.pictures, embedder, store)[:, 0].tolist() == list(range(COUNT))


def test_only_what_is_missing_is_embedded(collection: Collection, store: Store) -> None:
    some = [picture.id for picture in collection.pictures[:20]]
    store.put("colours/1", "image", some, np.ones((20, 3), np.float32))
    embedder = Colours(batch_size=1)
    embed_images(collection, embedder, store)
    assert sorted(embedder.batches) == [[20], [21], [22]]


@pytest.mark.parametrize("bad", [0, 7, COUNT - 1])
@pytest.mark.parametrize("error", [InputRejected("too spotty"), ValueError("no such thing")])
def test_a_picture_the_embedder_refuses_costs_only_itself(
    collection: Collection, store: Store, bad: int, error: Exception
) -> None:
    filled = embed_images(collection, Colours(batch_size=8, **{f"red_{bad}": error}), store)
    assert filled.embedded == COUNT - 1
    ((image_id, reason),) = filled.refused.items()
    assert image_id == collection.pictures[bad].id
    assert reason.startswith("colours: ")
    assert str(error) in reason


def test_an_unreadable_picture_costs_only_itself(
    collection: Collection, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "pictures" / "05.png").write_bytes(picture_bytes()[:60])
    filled = embed_images(open_collection(tmp_path / "pictures"), Colours(), store)
    assert filled.embedded == COUNT - 1
    assert len(filled.refused) == 1


def test_an_unavailable_embedder_stops_the_run_and_keeps_what_was_done(
    collection: Collection, store: Store
) -> None:
    error = EmbedderUnavailable("billing is off")
    with pytest.raises(EmbedderUnavailable, match="billing is off"):
        embed_images(collection, Colours(batch_size=1, red_9=error), store)
    known = store.known("colours/1", "image", [picture.id for picture in collection.pictures])
    assert {picture.id for picture in collection.pictures[:9]} <= known


def later(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    """Move the clock by which pictures are set aside."""
    now = time.time() + 3600 * hours
    monkeypatch.setattr("diptych.pipeline.set_aside.time", SimpleNamespace(time=lambda: now))


@pytest.mark.parametrize("batch_size", [1, 4, 23])
def test_a_picture_that_fails_for_now_is_set_aside_for_a_day(
    collection: Collection, store: Store, monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    embedder = Colours(batch_size=batch_size, red_3=TransientError("no answer"))
    bad = collection.pictures[3].id
    filled = embed_images(collection, embedder, store)
    assert filled.embedded == COUNT - 1
    assert filled.refused.keys() == {bad}
    assert re.fullmatch(r"colours: no answer; not tried again before [-\d]+ [:\d]+", filled.refused[bad])
    for hours, asked in ((23, []), (25, [[3]]), (48, []), (50, [[3]])):
        embedder.batches.clear()
        later(monkeypatch, hours)
        filled = embed_images(collection, embedder, store)
        assert embedder.batches == asked
        assert (filled.embedded, filled.from_store, filled.refused.keys()) == (0, COUNT - 1, {bad})
    later(monkeypatch, 80)
    assert embed_images(collection, Colours(), store).embedded == 1


def test_a_picture_is_not_blamed_where_all_failed(collection: Collection, store: Store) -> None:
    """An outage: the next run asks for everything at once."""
    down = {f"red_{red}": TransientError("no answer") for red in range(COUNT)}
    with pytest.raises(DiptychError, match=r"23 of 23 pictures: no answer.*run the same command again"):
        embed_images(collection, Colours(**down), store)
    assert embed_images(collection, Colours(), store).embedded == COUNT


def test_pictures_that_fail_side_by_side_do_not_look_like_an_outage_for_ever(
    collection: Collection, store: Store
) -> None:
    bad = {f"red_{red}": TransientError("no answer") for red in range(7)}
    with pytest.raises(DiptychError, match="failed temporarily on 23 of 23"):  # it can't be told yet
        embed_images(collection, Colours(batch_size=1, **bad), store)
    filled = embed_images(collection, Colours(batch_size=1, **bad), store)
    assert filled.embedded == COUNT - 7
    assert filled.refused.keys() == {picture.id for picture in collection.pictures[:7]}


def test_a_service_out_of_reach_blames_no_picture(collection: Collection, store: Store) -> None:
    embedder = Colours(batch_size=8, red_3=ServiceDown("no connection"))
    filled = embed_images(collection, embedder, store)
    assert len(embedder.batches) == 3, "what is not answered at all is not asked for in halves"
    assert filled.embedded == COUNT - 8
    assert set(filled.refused.values()) == {"colours: no connection"}
    assert embed_images(collection, Colours(), store).embedded == 8


def test_a_service_that_asks_to_be_left_alone_is(collection: Collection, store: Store) -> None:
    embedder = Colours(batch_size=8, red_9=ServiceDown("try again after lunch", for_long=True))
    with pytest.raises(DiptychError, match="failed temporarily on 15 of 23 pictures: try again after lunch"):
        embed_images(collection, embedder, store)
    assert len(embedder.batches) == 2


def test_a_good_vector_is_kept_whatever_came_with_it(collection: Collection, store: Store) -> None:
    class Gappy(Colours):
        def embed_images(self, prepared: Sequence[Any]) -> np.ndarray:
            vectors = super().embed_images(prepared).copy()
            vectors[vectors[:, 0] == 3] = np.nan
            vectors[vectors[:, 0] == 5] = 0
            vectors[vectors[:, 0] == 6] = 1e-42
            return vectors

    embedder = Gappy(batch_size=8)
    filled = embed_images(collection, embedder, store)
    assert filled.embedded == COUNT - 3
    reasons = [filled.refused[collection.pictures[red].id] for red in (3, 5, 6)]
    assert "not finite" in reasons[0]
    assert "vector of zeros, which has no direction" in reasons[1]
    assert "vector of zeros" in reasons[2]
    sent = Counter(red for batch in embedder.batches for red in batch)
    assert {red for red, times in sent.items() if times > 1} == {3, 5, 6}


def test_words_that_may_hold_for_every_request_are_held_against_those_that_are_taken(
    collection: Collection, store: Store
) -> None:
    refused = RequestRefused("wrong dimension")
    filled = embed_images(collection, Colours(batch_size=1, red_0=refused, red_9=refused), store)
    assert filled.embedded == COUNT - 2
    every = {f"red_{red}": refused for red in range(COUNT)}
    embedder = Colours(batch_size=1, **every)
    embedder.info = dataclasses.replace(embedder.info, fingerprint="colours/3")
    with pytest.raises(DiptychError, match="colours failed on 12 pictures in a row: wrong dimension"):
        embed_images(collection, embedder, store)
    assert len(embedder.batches) == 12


def test_a_stored_vector_without_direction_is_no_vector(collection: Collection, store: Store) -> None:
    """As earlier versions kept it: embedded anew, and replaced or named."""
    ids = [picture.id for picture in collection.pictures]
    vectors = np.ones((COUNT, 3), np.float32)
    vectors[[2, 4]] = 0
    store.put("colours/1", "image", ids, vectors)
    query = TextQuery("wolf")
    store.put("colours/1", "text", [query.id], np.zeros((1, 3), np.float32))
    embedder = Colours()
    embedder.info = dataclasses.replace(embedder.info, batch_size=1)
    assert [places.tolist() for places, _ in iter_vectors(collection.pictures, embedder, store)] == [
        [row for row in range(COUNT) if row not in (2, 4)]
    ]
    embedder.faults[4] = InputRejected("spotty")
    filled = embed_images(collection, embedder, store)
    assert sorted(embedder.batches) == [[2], [4]]
    assert (filled.embedded, filled.from_store, list(filled.refused)) == (1, COUNT - 2, [ids[4]])
    assert store.get("colours/1", "image", [ids[2]]).tolist() == [[2, 0, 5]]
    assert embed_queries([query], embedder, store)[0].tolist() == [[4, 1, 0]]


def test_a_query_without_direction_is_refused_unless_it_is_meant(store: Store) -> None:
    class Speechless(Colours):
        def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
            return np.array([[0 if text == "umm" else 1, 0, 0] for text in texts], np.float32)

    embedder = Speechless()
    queries = [TextQuery("wolf"), TextQuery("umm"), TextQuery("cat")]
    with pytest.raises(DiptychError, match=r"can't take the query 'umm': .*vector of zeros"):
        embed_queries(queries, embedder, store)
    assert embed_queries(queries[::2], embedder, store)[1] == [], "the others were kept"
    embedder.zero_texts = True  # type: ignore[attr-defined]
    assert embed_queries(queries, embedder, store)[0].tolist() == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]


@given(
    vectors=arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.integers(1, 5)),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True)
        | st.sampled_from([0.0, -0.0, 1e-45, 1e-30, 3e38]),
    )
)
def test_a_vector_is_of_use_exactly_where_it_has_a_direction(vectors: np.ndarray) -> None:
    """Against lengths in exact arithmetic."""
    expected = set()
    for row, vector in enumerate(vectors):
        numbers = [float(number) for number in vector]
        tiny = Fraction(float(np.finfo(np.float32).tiny))
        if not all(map(math.isfinite, numbers)) or sum(Fraction(n) ** 2 for n in numbers) < tiny**2:
            expected.add(row)
    try:
        kept, problems = usable(vectors, *vectors.shape)
    except ValueError:
        assert len(expected) == len(vectors)
    else:
        assert problems.keys() == expected
        np.testing.assert_array_equal(kept, vectors)


def test_a_service_that_is_down_is_not_asked_for_every_picture(collection: Collection, store: Store) -> None:
    down = {f"red_{red}": TransientError("no answer") for red in range(COUNT)}
    embedder = Colours(batch_size=1, **down)
    with pytest.raises(DiptychError, match="23 of 23 pictures"):
        embed_images(collection, embedder, store)
    assert len(embedder.batches) < 10


def test_an_embedder_that_fails_on_everything_is_an_error(collection: Collection, store: Store) -> None:
    broken = {f"red_{red}": RuntimeError("out of memory") for red in range(COUNT)}
    with pytest.raises(DiptychError, match=r"colours failed on 1\d pictures in a row: RuntimeError: out"):
        embed_images(collection, Colours(**broken), store)


@pytest.mark.parametrize(
    ("vectors", "complaint"),
    [
        (np.full((1, 3), np.nan, np.float32), "not finite"),
        (np.zeros((1, 4), np.float32), r"shape \(1, 4\), not \(1, 3\)"),
        (np.zeros((2, 3), np.float32), r"shape \(2, 3\), not \(1, 3\)"),
    ],
)
def test_what_is_not_a_vector_is_not_stored(
    collection: Collection, store: Store, vectors: np.ndarray, complaint: str
) -> None:
    embedder = Colours(batch_size=1)
    embedder.embed_images = lambda prepared: vectors  # type: ignore[method-assign]
    with pytest.raises(DiptychError, match=complaint):
        embed_images(collection, embedder, store)
    assert not store.known("colours/1", "image", [picture.id for picture in collection.pictures])


def test_as_many_calls_are_in_flight_as_the_embedder_allows(collection: Collection, store: Store) -> None:
    embedder = Colours(batch_size=1, concurrency=4)
    everybody = threading.Barrier(4)
    plain = embedder.embed_images

    def meet(prepared: Sequence[Any]) -> np.ndarray:
        if prepared[0][0] < 4:
            everybody.wait(timeout=20)  # the first four must be there at once, or this breaks
        return plain(prepared)

    embedder.embed_images = meet  # type: ignore[method-assign]
    assert embed_images(collection, embedder, store).embedded == COUNT
    assert embedder.most_together <= 4


def test_each_vector_is_stored_before_the_next_call_of_its_thread(
    collection: Collection, store: Store
) -> None:
    embedder = Colours(batch_size=1)
    plain = embedder.embed_images
    seen: list[int] = []

    def look(prepared: Sequence[Any]) -> np.ndarray:
        seen.append(len(store.known("colours/1", "image", [p.id for p in collection.pictures])))
        return plain(prepared)

    embedder.embed_images = look  # type: ignore[method-assign]
    embed_images(collection, embedder, store)
    assert seen == list(range(COUNT))


def test_only_a_window_of_pictures_is_under_way() -> None:
    begun = 0

    def items() -> Iterator[int]:
        nonlocal begun
        for number in range(500):
            begun = number + 1
            yield number

    with ThreadPoolExecutor(4) as pool:
        for taken, _ in enumerate(as_done(pool, lambda n: n, items(), ahead=10)):
            assert begun <= taken + 10 + 1


def test_texts_and_pictures_asked_with_are_embedded_once(collection: Collection, store: Store) -> None:
    embedder = Colours(batch_size=2)
    inside = ImageQuery("inside", collection.pictures[4].id, Image.new("RGB", (2, 2), (4, 0, 5)))
    outside = ImageQuery("outside", "ab" * 32, Image.new("RGB", (2, 2), (200, 0, 0)))
    embed_images(collection, embedder, store)
    embedder.batches.clear()
    queries = [TextQuery("wolf"), outside, TextQuery("cat"), inside, TextQuery("wolf"), TextQuery("dogs")]
    vectors, fresh = embed_queries(queries, embedder, store)
    assert vectors.tolist() == [[4, 1, 0], [200, 0, 0], [3, 1, 0], [4, 0, 5], [4, 1, 0], [4, 1, 0]]
    assert len(fresh) == 4
    assert embedder.texts == ["wolf", "cat", "dogs"]
    assert embedder.batches == [[200]]
    assert embed_queries(queries, embedder, store)[1] == []


def test_texts_are_embedded_as_many_at_once_as_the_embedder_allows(store: Store) -> None:
    embedder = Colours(batch_size=1, concurrency=3)
    everybody = threading.Barrier(3)

    def meet(texts: Sequence[str]) -> np.ndarray:
        everybody.wait(timeout=20)
        return np.array([[len(text), 1, 0] for text in texts], np.float32)

    embedder.embed_texts = meet  # type: ignore[method-assign]
    vectors, fresh = embed_queries([TextQuery("a" * n) for n in range(1, 7)], embedder, store)
    assert vectors[:, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert len(fresh) == 6


def test_a_query_that_fails_loses_none_of_the_others(store: Store) -> None:
    embedder = Colours(batch_size=1)
    plain = embedder.embed_texts

    def fail_on_wolf(texts: Sequence[str]) -> np.ndarray:
        if texts == ["wolf"]:
            raise TransientError("later")
        return plain(texts)

    embedder.embed_texts = fail_on_wolf  # type: ignore[method-assign]
    with pytest.raises(DiptychError, match="colours failed on the query 'wolf': later"):
        embed_queries([TextQuery("cat"), TextQuery("wolf")], embedder, store)
    assert embed_queries([TextQuery("cat")], embedder, store)[1] == []


def test_a_refused_query_is_an_error_that_names_the_embedder(store: Store) -> None:
    embedder = Colours()

    def refuse(texts: Sequence[str]) -> np.ndarray:
        raise InputRejected("this text is too rude")

    embedder.embed_texts = refuse  # type: ignore[method-assign]
    with pytest.raises(DiptychError, match="colours can't take the query 'x': this text is too rude"):
        embed_queries([TextQuery("x")], embedder, store)


_MEASURED = r"""
import re, sys
import numpy as np
from diptych.embedders import EmbedderInfo
from diptych.images import open_collection
from diptych.pipeline import images, reading
from diptych.store.vectors import Store

reading.DECODERS = 2  # each holds a picture, so it would be more on a machine with many processors

class Roomy:
    info = EmbedderInfo(name="roomy", provider="test", model="1", dimension=3, preprocessing="none",
                        fingerprint="roomy/1", batch_size=2)
    def prepare_image(self, image):
        return np.asarray(image, np.float32)  # 48 MB
    def embed_images(self, prepared):
        return np.stack([picture[0, 0] for picture in prepared])

with Store(sys.argv[2]) as store:
    assert images.embed_images(open_collection(sys.argv[1]), Roomy(), store).embedded == 60
(peak,) = re.findall(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())  # rusage has its parent's
print(int(peak) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux does it")
def test_memory_does_not_grow_with_the_collection(tmp_path: Path) -> None:
    """Sixty pictures of 48 MB each, once prepared, pass through a process that never holds a third."""
    (tmp_path / "pictures").mkdir()
    for red in range(60):
        (tmp_path / "pictures" / f"{red}.png").write_bytes(picture_bytes((red, 9, 9), (2000, 2000)))
    command = [sys.executable, "-c", _MEASURED, str(tmp_path / "pictures"), str(tmp_path / "store.sqlite")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 1000  # megabytes; all of them would be 2,880


def test_a_query_picture_is_each_embedders_own(store: Store) -> None:
    class Painter(Colours):
        def prepare_image(self, image: Image.Image) -> np.ndarray:
            pixel = super().prepare_image(image)
            image.paste((0, 0, 0), (0, 0, *image.size))
            return pixel

    query = ImageQuery("asked", "ab" * 32, Image.new("RGB", (2, 2), (200, 10, 10)))
    first, second = Painter(), Colours()
    second.info = dataclasses.replace(second.info, fingerprint="colours/2")
    assert embed_queries([query], first, store)[0].tolist() == [[200, 10, 10]]
    assert embed_queries([query], second, store)[0].tolist() == [[200, 10, 10]]


def test_a_refused_text_is_named_and_costs_none_of_the_others(store: Store) -> None:
    embedder = Colours(batch_size=8)
    plain = embedder.embed_texts

    def refuse(texts: Sequence[str]) -> np.ndarray:
        if "rude" in texts:
            raise InputRejected("not this")
        return plain(texts)

    embedder.embed_texts = refuse  # type: ignore[method-assign]
    with pytest.raises(DiptychError, match="colours can't take the query 'rude': not this"):
        embed_queries([TextQuery("a"), TextQuery("rude"), TextQuery("b")], embedder, store)
    assert embed_queries([TextQuery("a")], embedder, store)[1] == []


def test_pictures_left_over_are_counted_truly(collection: Collection, store: Store) -> None:
    """Some of a batch is stored, then the service fails: the others are left, and no more."""
    faults = {f"red_{red}": TransientError("later") for red in range(12, COUNT)}
    embedder = Colours(batch_size=23, red_3=InputRejected("spotty"), **faults)
    with pytest.raises(DiptychError, match=r"failed temporarily on (\d+) of 23 pictures: later") as caught:
        embed_images(collection, embedder, store)
    known = store.known("colours/1", "image", [picture.id for picture in collection.pictures])
    assert f"failed temporarily on {23 - 1 - len(known)} of 23" in str(caught.value)
    assert known


def test_a_stored_vector_of_another_length_is_said(collection: Collection, store: Store) -> None:
    store.put("colours/1", "text", [TextQuery("wolf").id], np.ones((1, 7), np.float32))
    with pytest.raises(DiptychError, match="a fingerprint must change with the vectors"):
        embed_queries([TextQuery("wolf")], Colours(), store)


@pytest.mark.parametrize("vector", [np.full(3, np.nan), np.ones(5)])
def test_a_vector_made_elsewhere_is_checked(collection: Collection, store: Store, vector: np.ndarray) -> None:
    class Made(Colours):
        def find_image(self, image_id: str, names: Sequence[str]) -> np.ndarray:
            return vector if "07.png" in names else np.ones(3, np.float32)

    filled = embed_images(collection, Made(), store)
    assert (filled.from_store, len(filled.rejected)) == (COUNT - 1, 1)


def test_an_embedder_that_can_prepare_nothing_is_an_error(collection: Collection, store: Store) -> None:
    embedder = Colours()

    def broken(image: Image.Image) -> np.ndarray:
        raise TypeError("no such argument")

    embedder.prepare_image = broken  # type: ignore[method-assign]
    with pytest.raises(
        DiptychError, match="none of 23 pictures could be embedded; colours: TypeError: no such"
    ):
        embed_images(collection, embedder, store)


def test_large_pictures_lie_in_the_same_memory_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken anew for each, threads would wait for one another; kept for good, others would lack it."""
    monkeypatch.setattr("diptych.pipeline.reading.DECODERS", 2)
    (tmp_path / "pictures").mkdir()
    for number in range(12):
        Image.new("RGB", (2600, 2600), (number, 0, 0)).save(tmp_path / "pictures" / f"{number}.bmp")
    before, stats = _imaging.get_blocks_max(), _imaging.get_stats()
    with Store(tmp_path / "s.sqlite") as store:
        embed_images(open_collection(tmp_path / "pictures"), Colours(), store)
    after = _imaging.get_stats()
    allocated, reused = (after[name] - stats[name] for name in ("allocated_blocks", "reused_blocks"))
    assert allocated + reused >= 12 * 2  # of 16 MB
    assert allocated <= 8 * 2
    assert _imaging.get_blocks_max() == before
    assert after["blocks_cached"] <= before
