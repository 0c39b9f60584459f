"""Finding embedders by their specs: through real entry points, with plug-ins written into a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from diptych.embedders import EmbedderUnavailable, load
from diptych.embedders.hosted import ByKey, Model, Provider, card, loader
from diptych.embedders.registry import providers, reject_unknown_options
from diptych.embedders.spec import WELL_KNOWN, Spec, parse
from diptych.errors import DiptychError

BUILT_IN = {"palette", "random", "sentence-transformers", "vectors", "vertex"}

EMBEDDER = """
import numpy as np
from diptych.embedders import Embedder, EmbedderInfo, InputRejected

class Toy:
    def __init__(self, model, dimension):
        self.info = EmbedderInfo(name="toy", provider="toy", model=model, dimension=dimension,
                                 preprocessing="none", fingerprint=f"toy/{model}/{dimension}")
    def prepare_image(self, image):
        return image.size
    def embed_images(self, prepared):
        return np.array([[width] * self.info.dimension for width, _ in prepared], np.float32)
    def embed_texts(self, texts):
        return np.array([[len(text)] * self.info.dimension for text in texts], np.float32)
"""

Plug = Callable[..., None]


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Installs a plug-in as pip would: a module, and the metadata that registers it as `toy`."""

    def install(code: str, value: str = "toy_embedder:load", name: str = "toy") -> None:
        metadata = tmp_path / f"{name}_embedder-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-embedder\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[diptych.embedders]\n{name} = {value}\n")
        (tmp_path / "toy_embedder.py").write_text(code)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "toy_embedder", raising=False)

    yield install
    sys.modules.pop("toy_embedder", None)


def refusal(spec: str, kind: type[DiptychError] = DiptychError) -> str:
    """The one line with which a spec is refused."""
    with pytest.raises(kind) as caught:
        load(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Specs


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("palette", Spec("palette", "", {})),
        ("  random?seed=3  ", Spec("random", "", {"seed": "3"})),
        (
            "vertex:multimodalembedding@001?dimension=512",
            Spec("vertex", "multimodalembedding@001", {"dimension": "512"}),
        ),
        ("vectors:C:\\my vectors\\a.npz", Spec("vectors", "C:\\my vectors\\a.npz", {})),
        (
            "vectors:a.npy?names=b%20c.txt&match=path",
            Spec("vectors", "a.npy", {"names": "b c.txt", "match": "path"}),
        ),
        ("toy:?empty=", Spec("toy", "", {"empty": ""})),
        ("toy:m?url=https://h/p?q", Spec("toy", "m", {"url": "https://h/p?q"})),
        ("clip-ViT-L-14", Spec("sentence-transformers", "clip-ViT-L-14", {})),
        (
            "clip-ViT-B-32?precision=bf16",
            Spec("sentence-transformers", "clip-ViT-B-32", {"precision": "bf16"}),
        ),
    ],
)
def test_a_spec_is_taken_apart(text: str, spec: Spec) -> None:
    assert parse(text) == spec


plain = st.text("abcXYZ019-_./@", min_size=1, max_size=12)


@given(plain, st.text("abc:/@ .", max_size=12), st.dictionaries(plain, plain, max_size=3))
def test_what_is_put_together_is_taken_apart_again(
    provider: str, model: str, options: dict[str, str]
) -> None:
    query = "&".join(f"{name}={value}" for name, value in options.items())
    spec = parse(f"{provider}:{model}?{query}" if options else f"{provider}:{model}.")
    assert spec == Spec(provider, model if options else f"{model}.", options)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no embedder"),
        ("   ", "names no embedder"),
        (":model", "names no embedder"),
        ("?seed=1", "names no embedder"),
        ("random?seed", "?NAME=VALUE"),
        ("random?seed=1&", "?NAME=VALUE"),
        ("random?seed=1&seed=2", "gives the option seed twice"),
    ],
)
def test_a_malformed_spec_is_refused_in_a_line(text: str, reason: str) -> None:
    assert reason in refusal(text)


# Providers


def test_the_built_in_providers_are_registered_as_plug_ins_are() -> None:
    assert set(providers()) >= BUILT_IN
    assert list(providers()) == sorted(providers())
    assert all(callable(providers()[name].load()) for name in BUILT_IN)


def test_well_known_names_stand_for_providers_that_exist() -> None:
    assert "clip-ViT-L-14" in WELL_KNOWN
    for name, meaning in WELL_KNOWN.items():
        spec = parse(name)
        assert spec.provider in providers()
        assert f"{spec.provider}:{spec.model}" == meaning


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("vertx", "vertex"),
        ("Palette", "palette"),
        ("sentence_transformers:x", "sentence-transformers"),
        ("clip-vit-l-14", "clip-ViT-L-14"),
        ("clip-ViT-L14", "clip-ViT-L-14"),
    ],
)
def test_an_unknown_name_is_told_the_nearest_ones(written: str, meant: str) -> None:
    reason = refusal(written)
    assert f"no embedder named {written.partition(':')[0]!r}" in reason
    assert "did you mean" in reason
    assert meant in reason


def test_a_name_like_no_other_is_told_all_that_there_are() -> None:
    reason = refusal("zzzzqqqq")
    assert all(name in reason for name in BUILT_IN | set(WELL_KNOWN))


@pytest.mark.parametrize("spec", ["random", "random?seed=4&dimension=8", "palette"])
def test_an_embedder_is_called_as_it_was_asked_for(spec: str) -> None:
    embedder = load(f" {spec} ")
    assert embedder.info.spec == spec
    assert embedder.info.name == embedder.info.provider == spec.partition("?")[0]
    named = load(f"mine={spec}")
    assert (named.info.name, named.info.spec) == ("mine", spec)


# Plug-ins


def test_a_plug_in_is_found_and_used(plug_in: Plug) -> None:
    plug_in(EMBEDDER + "def load(model, **options): return Toy(model, int(options.get('size', 2)))")
    assert "toy" in providers()
    assert "toy_embedder" not in sys.modules  # listing imports nothing
    embedder = load("toy:small?size=3")
    info = embedder.info
    assert (info.name, info.spec, info.model, info.dimension) == ("small", "toy:small?size=3", "small", 3)
    prepared = embedder.prepare_image(Image.new("RGB", (7, 5)))
    assert embedder.embed_images([prepared]).tolist() == [[7, 7, 7]]
    assert embedder.embed_texts(["four"]).dtype == np.float32
    assert "toy" in refusal("tyo")


@pytest.mark.parametrize(
    ("code", "reasons"),
    [
        ("import a_package_that_is_not_there", ("ModuleNotFoundError", "a_package_that_is_not_there")),
        ("raise RuntimeError('no GPU\\nfound')", ("RuntimeError: no GPU found",)),
        ("def load(:", ("SyntaxError",)),
        ("other = 1", ("AttributeError", "load")),
    ],
    ids=["missing package", "raises", "syntax", "no factory"],
)
def test_a_plug_in_that_can_not_be_imported_says_so(
    plug_in: Plug, code: str, reasons: tuple[str, ...]
) -> None:
    plug_in(code)
    told = refusal("toy", EmbedderUnavailable)
    assert told.startswith("toy can't be imported from toy_embedder:load: ")
    assert all(reason in told for reason in reasons)


@pytest.mark.parametrize(
    ("signature", "spec", "reason"),
    [
        ("model", "toy?size=3", "toy has no option size: it takes none"),
        ("model, *, device='cpu', size='2'", "toy:m?sise=3", "toy has no option sise: it takes device, size"),
        ("model, *, key", "toy:m", "missing a required argument: 'key'"),
        ("model, **options", "toy:m?model=n", "multiple values for argument 'model'"),
    ],
)
def test_options_that_a_factory_does_not_take_are_refused(
    plug_in: Plug, signature: str, spec: str, reason: str
) -> None:
    plug_in(EMBEDDER + f"def load({signature}): return Toy(model, 2)")
    assert reason in refusal(spec, EmbedderUnavailable)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise TypeError('weights are odd')", "toy can't be loaded: TypeError: weights are odd"),
        ("return len(5)", "toy can't be loaded: TypeError"),
        ("return object()", "toy can't be loaded: AttributeError"),
        ("raise OSError", "toy can't be loaded: OSError"),
        ("raise InputRejected('not this model')", "not this model"),
    ],
)
def test_a_factory_that_fails_is_told_in_a_line(plug_in: Plug, body: str, reason: str) -> None:
    plug_in(EMBEDDER + f"def load(model, **options):\n    {body}")
    assert refusal("toy").startswith(reason)


def test_the_cause_of_a_failure_is_kept_for_debugging(plug_in: Plug) -> None:
    plug_in(EMBEDDER + "def load(model, **options): raise KeyError('layer')")
    with pytest.raises(EmbedderUnavailable) as caught:
        load("toy")
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_entry_point_that_names_no_function_is_told(plug_in: Plug) -> None:
    plug_in(EMBEDDER, value="toy_embedder")
    assert "not callable" in refusal("toy", EmbedderUnavailable)


def test_a_class_can_be_a_factory(plug_in: Plug) -> None:
    plug_in(
        EMBEDDER
        + "class Maker(Toy):\n    def __init__(self, model, width='2'): super().__init__(model, int(width))",
        value="toy_embedder:Maker",
    )
    assert load("toy:m?width=4").info.dimension == 4
    assert "it takes width" in refusal("toy:m?depth=4")


def test_unknown_options_are_named_with_the_known_ones() -> None:
    reject_unknown_options("toy", {"a": "1"}, ("a", "b"))
    with pytest.raises(EmbedderUnavailable, match=r"^toy has no option c, d: it takes a, b$"):
        reject_unknown_options("toy", {"d": "", "c": "", "a": ""}, ("a", "b"))


def test_an_option_holds_a_path_as_it_is_written_or_quoted() -> None:
    spec = parse("vectors:a.npy?names=C++ notes/x=1.txt&texts=100%25 red%26blue.txt")
    assert spec.options == {"names": "C++ notes/x=1.txt", "texts": "100% red&blue.txt"}


def test_a_hosted_provider_is_one_value(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider(
        name="toy",
        about="a toy service",
        title="Toys",
        maker="Toys Ltd",
        domain="toy.example",
        endpoint="https://api.toy.example",
        models={"first": Model((4, 8), 8), "second": Model((2,), 2)},
        connect=ByKey(variable="TOY_KEY", where="toy.example", path="/embed"),
        ask=lambda settings, kind, items: {kind: items},
        read=lambda _kind, answer: answer,
    )
    shown = card(provider)
    assert (shown.about, shown.spec, shown.key) == ("a toy service", "toy:first", "TOY_KEY")
    assert shown.needs == "an account at Toys Ltd, and its key in TOY_KEY"
    assert [model.spec for model in shown.models] == ["toy:first", "toy:second"]
    monkeypatch.delenv("TOY_KEY", raising=False)
    embedder = loader(provider)("", dimension="4")
    assert embedder.info.fingerprint.startswith("toy:first?dimension=4 ")
    with pytest.raises(EmbedderUnavailable, match=f"{shown.key} to one from toy.example"):
        embedder.embed_texts(["a"])
