"""How local models are put to work: nothing of it may change what comes out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from diptych.embedders import speed
from support import need


@pytest.fixture
def four_threads() -> Iterator[None]:
    """Torch with four threads, whatever this machine has."""
    need("torch")
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_a_call_alone_has_all_cores_and_two_have_half_each(four_threads: None) -> None:
    import torch

    cores = speed.Cores()
    inside, go_on = threading.Event(), threading.Event()

    def first() -> int:
        with cores.share():
            inside.set()
            assert go_on.wait(60)
            return torch.get_num_threads()

    def second() -> int:
        with cores.share():
            return torch.get_num_threads()

    with ThreadPoolExecutor(2) as calls:
        alone = calls.submit(first)
        assert inside.wait(60)
        together = calls.submit(second).result()
        go_on.set()
        assert alone.result() == 4
        assert together == 2
        assert calls.submit(second).result() == 4


def test_a_batch_leaves_the_other_cores_to_those_that_come(four_threads: None) -> None:
    """The first batch of a run begins alone, and would take the cores of all others for its whole length."""
    import torch

    with speed.Cores().share(one_of_many=True):
        assert torch.get_num_threads() == 1


def test_what_comes_after_a_call_has_all_cores(four_threads: None) -> None:
    """In the thread that called, in others, and in those that begin later; also where the call failed."""
    import torch

    cores = speed.Cores()
    with ThreadPoolExecutor(1) as calls:
        calls.submit(torch.get_num_threads).result()
        with pytest.raises(ZeroDivisionError), cores.share(), cores.share():
            1 / (torch.get_num_threads() - 2)
        assert torch.get_num_threads() == 4
        assert calls.submit(torch.get_num_threads).result() == 4
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 4


def test_on_a_processor_every_core_has_a_call_of_its_own() -> None:
    assert speed.calls("cpu", None, 6) == (4, 6)
    assert speed.calls("cpu", 3, 6) == (3, 6)
    assert speed.calls("cuda:1", None, 6) == (32, 2)
    assert speed.calls("mps", None, 6) == (32, 1)


def test_fast_is_half_precision_where_the_device_is_faster_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    need("torch")
    assert speed.number_type("float32", "cuda") == "float32"
    assert speed.number_type("fast", "cuda:0") == speed.number_type("fast", "mps") == "float16"
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    assert speed.number_type("fast", "cpu") == "float32"
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx2": True, "avx512_bf16": True})
    assert speed.number_type("fast", "cpu") == "bfloat16"


def test_what_is_computed_otherwise_is_filed_apart() -> None:
    assert (
        len({speed.mark(number, least) for number in ("float32", "bfloat16") for least in (None, 448)}) == 4
    )
    assert speed.mark("float32", None) == "float32"
    assert speed.describe("bfloat16", None) == "; fast: bfloat16"
    assert speed.describe("float32", 448) == "; fast: float32, large JPEGs decoded at reduced size"
