"""Several embedders in one pass: each picture decoded once, and none holds up or harms another."""

from __future__ import annotations

import dataclasses
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diptych import samples
from diptych.embedders import EmbedderInfo, EmbedderUnavailable, InputRejected, TransientError
from diptych.embedders.base import Embedder, Vectors
from diptych.embedders.budget import Budget, OverBudget, exact
from diptych.embedders.mini import load as load_mini
from diptych.embedders.palette import Palette
from diptych.embedders.pictures import PictureProcessor
from diptych.errors import DiptychError
from diptych.images import Collection, open_collection
from diptych.images import collection as opened
from diptych.pipeline import embed_all, embed_images, image_vectors, reading
from diptych.pipeline.reading import DECODERS, PictureReader
from diptych.progress import Advance
from diptych.store.vectors import Store
from support import picture_bytes

COUNT = 60
LONG = 60.0
"""Seconds that nothing here takes, so that what waits so long is broken."""


class Colours:
    """Embeds a picture as its top left pixel, plus a number of its own."""

    def __init__(self, name: str, *, batch_size: int = 4, concurrency: int = 1, **facts: Any) -> None:
        self.info = EmbedderInfo(
            name=name, provider="test", model=name, dimension=3, preprocessing="one pixel",
            fingerprint=f"colours/{name}", batch_size=batch_size, concurrency=concurrency, **facts,
        )  # fmt: skip
        self.seen: list[int] = []
        self.before_each: Callable[[list[int]], object] = lambda _reds: None
        self._lock = threading.Lock()

    def prepare_image(self, image: Image.Image) -> Any:
        return np.array(image.getpixel((0, 0)), np.float32)

    def embed_images(self, prepared: Sequence[Any]) -> Vectors:
        reds = [int(pixel[0]) for pixel in prepared]
        self.before_each(reds)
        with self._lock:
            self.seen += reds
        return np.stack(prepared) + np.float32(len(self.info.name))

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 3), np.float32)


class Noted:
    """A `Progress` that writes down how far each task came."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.done: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def task(self, what: str, total: int) -> Iterator[Advance]:
        def advance(more: int) -> None:
            with self._lock:
                self.done[what] += more

        self.totals[what] = total
        yield advance


def draw(folder: Path, count: int = COUNT) -> Collection:
    folder.mkdir()
    for red in range(count):
        (folder / f"{red:03}.png").write_bytes(picture_bytes((red, 0, 5)))
    return open_collection(folder)


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return draw(tmp_path / "pictures")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.sqlite") as store:
        yield store


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[bytes]:
    """How often each picture is decoded, by its bytes."""
    counts: Counter[bytes] = Counter()
    plain, lock = opened.decoded, threading.Lock()

    def counted(data: bytes, *arguments: Any, **named: Any) -> AbstractContextManager[Image.Image]:
        with lock:
            counts[data] += 1
        return plain(data, *arguments, **named)

    monkeypatch.setattr(opened, "decoded", counted)
    return counts


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy this machine is, no embedder counts as slow."""
    monkeypatch.setattr(reading, "PATIENCE", 10 * LONG)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedder that has no room is not waited for where another has nothing to do."""
    monkeypatch.setattr(reading, "PATIENCE", 0.0)


def stored(embedder: Embedder, collection: Collection, store: Store) -> set[str]:
    return store.known(embedder.info.fingerprint, "image", [picture.id for picture in collection.pictures])


@pytest.mark.usefixtures("_patient")
@pytest.mark.parametrize(("batch_size", "concurrency"), [(4, 1), (7, 2), (1, 16)])
def test_each_picture_is_decoded_once_for_all(
    collection: Collection, store: Store, decoded: Counter[bytes], batch_size: int, concurrency: int
) -> None:
    embedders = [Colours("a"), Colours("bb", batch_size=batch_size, concurrency=concurrency), Palette()]
    filled = embed_all(collection, embedders, store)
    assert {name: each.embedded for name, each in filled.items()} == dict.fromkeys(
        ["a", "bb", "palette"], COUNT
    )
    assert list(filled) == ["a", "bb", "palette"]
    assert (len(decoded), set(decoded.values())) == (COUNT, {1})
    assert image_vectors(collection.pictures, embedders[1], store)[:, 0].tolist() == [
        red + 2 for red in range(COUNT)
    ]


@pytest.mark.usefixtures("_patient")
def test_company_changes_neither_batches_nor_vectors(collection: Collection, tmp_path: Path) -> None:
    def of(name: str, *others: Embedder) -> tuple[list[int], bytes]:
        embedder = Colours(name, batch_size=7)
        with Store(tmp_path / f"{name}-{len(others)}.sqlite") as store:
            embed_all(collection, [*others, embedder], store)
            return embedder.seen, image_vectors(collection.pictures, embedder, store).tobytes()

    alone = of("a")
    assert alone[0] == list(range(COUNT))
    assert of("a", Colours("b", batch_size=3), Palette()) == alone


@pytest.mark.usefixtures("_patient")
def test_only_what_an_embedder_lacks_is_embedded(
    collection: Collection, store: Store, decoded: Counter[bytes]
) -> None:
    first, second = Colours("a"), Colours("b")
    ids = [picture.id for picture in collection.pictures]
    store.put(first.info.fingerprint, "image", ids[:30], np.ones((30, 3), np.float32))
    store.put(second.info.fingerprint, "image", ids[20:], np.ones((40, 3), np.float32))
    filled = embed_all(collection, [first, second], store)
    assert sorted(first.seen) == list(range(30, 60))
    assert sorted(second.seen) == list(range(20))
    assert [each.from_store for each in filled.values()] == [30, 40]
    assert sum(decoded.values()) == 50


@pytest.mark.usefixtures("_patient")
def test_a_picture_that_cannot_be_read_or_taken_is_told_to_each(collection: Collection, store: Store) -> None:
    spoilt, refused = collection.pictures[5], collection.pictures[9]
    path = collection.file(spoilt)
    assert path is not None
    path.write_bytes(b"other bytes")
    first, second = Colours("a"), Colours("b")

    def refuse(reds: list[int]) -> None:
        if 9 in reds:
            raise InputRejected("too spotty")

    second.before_each = refuse
    filled = embed_all(collection, [first, second], store)
    assert filled["a"].refused.keys() == {spoilt.id}
    assert filled["b"].refused.keys() == {spoilt.id, refused.id}
    assert filled["b"].rejected == {refused.id: "b: too spotty"}


# ------------------------------------------------------------------------------------------------- preparing


class Painter(Colours):
    """Paints over the picture that it is given."""

    def prepare_image(self, image: Image.Image) -> Any:
        prepared = super().prepare_image(image)
        image.paste((200, 200, 200), (0, 0, *image.size))
        return prepared


class Looker(Colours):
    """Only looks."""

    only_looks = True


@pytest.mark.usefixtures("_patient")
def test_what_one_does_with_a_picture_no_other_sees(collection: Collection, store: Store) -> None:
    embedders = [Painter("a"), Looker("b"), Painter("c"), Looker("d"), Painter("e")]
    embed_all(collection, embedders, store)
    for embedder in embedders:
        found = image_vectors(collection.pictures, embedder, store)[:, 0]
        assert found.tolist() == [red + 1 for red in range(COUNT)]


@pytest.mark.usefixtures("_patient")
def test_what_two_models_prepare_alike_is_prepared_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And one that gives a model something else than the picture gets what it asked for."""
    plain, calls = PictureProcessor._prepare, Counter[str]()

    def counted(self: PictureProcessor, image: Image.Image) -> Any:
        calls["prepared"] += 1
        return plain(self, image)

    class Upside:
        def __init__(self, model: Embedder) -> None:
            self._model = model
            self.info = dataclasses.replace(model.info, name="upside", fingerprint="upside/1")
            self.embed_images, self.embed_texts = model.embed_images, model.embed_texts

        def prepare_image(self, image: Image.Image) -> Any:
            return self._model.prepare_image(image.transpose(Image.Transpose.ROTATE_180))

    folder = tmp_path / "cats"
    folder.mkdir()
    for path in (samples.FOLDER / "cat").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    collection = open_collection(folder)
    models: list[Embedder] = [load_mini("s"), load_mini("b")]
    monkeypatch.setattr(PictureProcessor, "_prepare", counted)
    embed_all(collection, [*models, Upside(models[0])], store)
    assert calls["prepared"] == 2 * len(collection)
    monkeypatch.setattr(PictureProcessor, "_prepare", plain)
    for embedder in (*models, Upside(models[0])):
        with Store(tmp_path / f"{embedder.info.name}.sqlite") as alone:
            embed_images(collection, embedder, alone)
            np.testing.assert_array_equal(
                image_vectors(collection.pictures, embedder, store),
                image_vectors(collection.pictures, embedder, alone),
            )


@pytest.mark.usefixtures("_patient")
@pytest.mark.parametrize(
    ("wants", "gets"), [((64, 128), {128}), ((64, None, 128), {128, None}), ((96,), {96})]
)
def test_who_makes_do_with_fewer_pixels_gets_as_many_as_any_of_these_needs(
    collection: Collection,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    wants: tuple[int | None, ...],
    gets: set[int | None],
) -> None:
    """And whoever wants all pixels gets them all, so that the two can be compared."""
    asked: Counter[int | None] = Counter()
    plain = opened.decoded

    def noted(*arguments: Any, at_least: int | None) -> AbstractContextManager[Image.Image]:
        asked[at_least] += 1
        return plain(*arguments, at_least=at_least)

    monkeypatch.setattr(opened, "decoded", noted)
    filled = embed_all(collection, [Colours(f"of {size}", decode_at_least=size) for size in wants], store)
    assert asked == dict.fromkeys(gets, COUNT)
    assert [each.embedded for each in filled.values()] == [COUNT] * len(wants)


# ----------------------------------------------------------------------------- each goes at a pace of its own


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("concurrency", [1, 3])
def test_one_that_stands_still_holds_up_no_other(
    collection: Collection, store: Store, decoded: Counter[bytes], concurrency: int
) -> None:
    still, other = Colours("still", batch_size=2, concurrency=concurrency), Colours("other", batch_size=5)
    done = threading.Event()

    def wait(_reds: list[int]) -> None:
        assert done.wait(LONG), "the other one is held up"

    still.before_each = wait
    other.before_each = lambda reds: done.set() if len(other.seen) + len(reds) == COUNT else None
    filled = embed_all(collection, [still, other], store)
    assert [each.embedded for each in filled.values()] == [COUNT, COUNT]
    assert sorted(still.seen) == sorted(other.seen) == list(range(COUNT))
    assert max(decoded.values()) == 2, "what ran ahead is decoded again"


@pytest.mark.usefixtures("_impatient")
@pytest.mark.filterwarnings("ignore:another run is embedding")
def test_one_that_waits_for_its_turn_holds_up_no_other(collection: Collection, tmp_path: Path) -> None:
    waits, other = Colours("waits"), Colours("other")
    with Store(tmp_path / "s.sqlite") as store, Store(tmp_path / "s.sqlite") as elsewhere:
        with elsewhere.turn(waits.info.fingerprint, "another run"):
            job = threading.Thread(target=embed_all, args=(collection, [waits, other], store))
            job.start()
            while len(stored(other, collection, elsewhere)) < COUNT:
                assert job.is_alive()
            assert waits.seen == []
        job.join(LONG)
        assert sorted(waits.seen) == list(range(COUNT))


def test_one_that_comes_later_shares_what_is_still_to_be_decoded(
    collection: Collection, decoded: Counter[bytes]
) -> None:
    reader = PictureReader(collection)
    with reader.lane(Colours("first")) as first:
        going = first.over(collection.pictures)
        early = [next(going).picture for _ in range(20)]
        with reader.lane(Colours("later")) as later:
            came = later.over(collection.pictures)
            both = [each.picture for pair in zip(going, came, strict=False) for each in pair]
            rest = [each.picture for each in came]
        assert [each.picture for each in going] == []
    assert sorted(p.name for p in [*early, *both, *rest]) == sorted(2 * [p.name for p in collection.pictures])
    assert sum(decoded.values()) <= COUNT + 20 + first.window


class Alive:
    """Counts how many of something there are at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def watch(self, thing: object) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        weakref.finalize(thing, self._end)

    def _end(self) -> None:
        with self._lock:
            self.now -= 1


@pytest.mark.usefixtures("_impatient")
def test_memory_holds_a_window_for_each_however_far_one_runs_ahead(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = draw(tmp_path / "many", 200)
    pictures, plain = Alive(), opened.decoded
    prepared = {name: Alive() for name in ("still", "other")}

    @contextmanager
    def watched(*arguments: Any, **named: Any) -> Iterator[Image.Image]:
        with plain(*arguments, **named) as image:
            pictures.watch(image)
            yield image

    class Item(np.ndarray):  # can be watched
        pass

    class Watched(Colours):
        def prepare_image(self, image: Image.Image) -> Any:
            item = super().prepare_image(image).view(Item)
            prepared[self.info.name].watch(item)
            return item

    still, other = Watched("still", batch_size=3), Watched("other", batch_size=5, concurrency=2)
    done = threading.Event()
    still.before_each = lambda _reds: done.wait(LONG)
    other.before_each = lambda reds: done.set() if len(other.seen) + len(reds) == 200 else None
    monkeypatch.setattr(opened, "decoded", watched)
    embed_all(collection, [still, other], store)
    assert pictures.most <= DECODERS
    for embedder in (still, other):
        at_work = (2 * embedder.info.concurrency + 1) * embedder.info.batch_size
        window = 2 * embedder.info.batch_size + DECODERS
        assert prepared[embedder.info.name].most <= at_work + window + DECODERS < 200


# ------------------------------------------------------------------------------------------------ what fails


@pytest.mark.usefixtures("_patient")
@pytest.mark.parametrize("where", ["embedding", "preparing"])
def test_one_that_is_unavailable_is_told_when_the_others_are_done(
    collection: Collection, store: Store, where: str
) -> None:
    bad, good = Colours("bad"), Colours("good")

    def fail(_any: object) -> Any:
        raise EmbedderUnavailable("billing is off")

    if where == "embedding":
        bad.before_each = fail
    else:
        bad.prepare_image = fail  # type: ignore[method-assign]
    with pytest.raises(EmbedderUnavailable, match=r"^billing is off$"):
        embed_all(collection, [bad, good], store)
    assert len(stored(good, collection, store)) == COUNT
    assert stored(bad, collection, store) == set()


@pytest.mark.usefixtures("_patient")
def test_the_first_of_several_errors_is_told(collection: Collection, store: Store) -> None:
    first, good, second = Colours("first"), Colours("good"), Colours("second")
    failed = threading.Event()

    def fail_late(_reds: list[int]) -> None:
        assert failed.wait(LONG)
        raise TransientError("no answer")

    def fail(_reds: list[int]) -> None:
        failed.set()
        raise RuntimeError("out of memory")

    first.before_each, second.before_each = fail_late, fail
    with pytest.raises(DiptychError, match="first failed temporarily on 60 of 60 pictures: no answer"):
        embed_all(collection, [first, good, second], store)
    assert len(stored(good, collection, store)) == COUNT


@pytest.mark.usefixtures("_patient")
def test_what_may_be_spent_holds_for_all_together(collection: Collection, store: Store) -> None:
    dear, costly = Colours("dear", price_per_image=0.01), Colours("costly", price_per_image=0.02)
    free = Colours("free")
    budget = Budget(0.5)
    with pytest.raises(OverBudget, match=r"(dear|costly) has \d+ pictures of 60 left"):
        embed_all(collection, [dear, costly, free], store, funds=budget.reserve())
    assert budget.spent() == len(dear.seen) * exact(0.01) + len(costly.seen) * exact(0.02)
    assert 0.5 - 4 * 0.02 < budget.spent() <= 0.5
    assert len(stored(free, collection, store)) == COUNT
    assert len(stored(dear, collection, store)) == len(dear.seen)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.filterwarnings("ignore:another run is embedding")
def test_two_runs_at_once_pay_once_for_each_picture(collection: Collection, tmp_path: Path) -> None:
    paid = [Colours("a", price_per_image=0.01), Colours("b", price_per_image=0.01)]
    with Store(tmp_path / "s.sqlite") as one, Store(tmp_path / "s.sqlite") as other:
        with ThreadPoolExecutor(2) as runs:
            first = runs.submit(embed_all, collection, paid, one)
            second = runs.submit(embed_all, collection, paid[::-1], other)
        filled = [first.result(), second.result()]
    assert [sorted(each.seen) for each in paid] == [list(range(COUNT))] * 2
    for name in ("a", "b"):
        assert sum(each[name].embedded for each in filled) == COUNT
        assert sorted(each[name].from_store for each in filled)[1] == COUNT


def test_embedders_that_share_their_vectors_embed_each_picture_once(
    collection: Collection, store: Store
) -> None:
    first, again = Colours("a"), Colours("again")
    again.info = dataclasses.replace(again.info, fingerprint=first.info.fingerprint)
    filled = embed_all(collection, [first, Palette(), again], store)
    assert (filled["a"].embedded, filled["again"].embedded, filled["again"].from_store) == (COUNT, 0, COUNT)
    assert again.seen == []


# ------------------------------------------------------------------------------------------------ who watches


@pytest.mark.usefixtures("_patient")
def test_each_embedder_is_a_task_of_its_own(collection: Collection, store: Store) -> None:
    first, second = Colours("a"), Colours("b")
    ids = [picture.id for picture in collection.pictures]
    store.put(first.info.fingerprint, "image", ids[:30], np.ones((30, 3), np.float32))
    progress = Noted()
    embed_all(collection, [first, second], store, progress=progress)
    assert progress.totals == progress.done == {"embedding with a": 30, "embedding with b": 60}
