"""What embedders are called: distinct names, as short as they may be, whatever the order; never a secret."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.embedders.names import as_written, name_all, names_of, split_alias
from diptych.embedders.spec import WELL_KNOWN
from diptych.errors import DiptychError

# The short name before a spec


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("clip=clip-ViT-L-14", ("clip", "clip-ViT-L-14")),
        (" google = vertex?project=P ", ("google", "vertex?project=P")),
        ("CLIP L/14", (None, "CLIP L/14")),
        ("CLIP, no", (None, "CLIP, no")),
        ("our model v1.2 + 3_b=onnx:/models/a=b", ("our model v1.2 + 3_b", "onnx:/models/a=b")),
        ("église=palette", ("église", "palette")),
        ("模型 2=palette", ("模型 2", "palette")),
        ("vertex?project=P", (None, "vertex?project=P")),
        ("vectors:a=b.npy", (None, "vectors:a=b.npy")),
        ("open_clip:ViT-B-32?pretrained=x", (None, "open_clip:ViT-B-32?pretrained=x")),
        ("palette", (None, "palette")),
        ("", (None, "")),
    ],
)
def test_a_short_name_stands_before_the_first_equals_sign(text: str, parts: tuple[str | None, str]) -> None:
    assert split_alias(text) == parts


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("clip=", "clip=SPEC"),
        ("clip=  ", "clip=SPEC"),
        ("=palette", "can't be a short name"),
        ("-x=palette", "can't be a short name"),
        ("a,b=palette", "can't be a short name"),
        ("_x=palette", "can't be a short name"),
        ("\u202ex=palette", "can't be a short name"),
    ],
)
def test_a_short_name_that_can_not_be_is_refused_in_a_line(text: str, reason: str) -> None:
    with pytest.raises(DiptychError) as caught:
        split_alias(text)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


# Names without one


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("vertex?project=any&endpoint=http://127.0.0.1:8765", "vertex"),
        ("vertex:multimodalembedding@001", "multimodalembedding@001"),
        ("sentence-transformers:clip-ViT-L-14", "clip-ViT-L-14"),
        ("clip-ViT-L-14?precision=fast", "clip-ViT-L-14"),
        ("sentence-transformers:google/siglip2-base-patch16-256", "siglip2-base-patch16-256"),
        ("onnx:/long/path/to/model?precision=fp16", "model"),
        ("onnx:/long/path/to/model/", "model"),
        ("vectors:C:\\my vectors\\made.npz", "made.npz"),
        ("mini:s", "mini-s"),
        ("toy:s", "toy:s"),
        ("toy:001", "toy:001"),
        ("onnx:..", "onnx:.."),
        ("palette", "palette"),
    ],
)
def test_a_spec_alone_is_called_by_its_shortest_telling_part(spec: str, name: str) -> None:
    assert names_of([spec]) == [name]


@pytest.mark.parametrize(
    ("specs", "names"),
    [
        (
            ["vertex?project=P&dimension=512", "vertex?project=Q&dimension=1408"],
            ["vertex dimension=512", "vertex dimension=1408"],
        ),
        (
            ["clip-ViT-L-14", "clip-ViT-L-14?precision=fast"],
            ["clip-ViT-L-14", "clip-ViT-L-14 precision=fast"],
        ),
        (["vertex?project=P", "vertex?project=Q"], ["vertex project=P", "vertex project=Q"]),
        (["onnx:/a/clip", "onnx:/b/clip"], ["a/clip", "b/clip"]),
        (
            ["sentence-transformers:clip", "open_clip:clip", "palette"],
            ["sentence-transformers:clip", "open_clip:clip", "palette"],
        ),
        (
            ["toy?a=1&b=1", "toy?a=1&b=2", "toy?a=2&b=1"],
            ["toy a=1 b=1", "toy a=1 b=2", "toy a=2 b=1"],
        ),
        (["sentence-transformers:clip-ViT-L-14", "clip-ViT-L-14"], ["clip-ViT-L-14 #2", "clip-ViT-L-14"]),
        (["toy?api_key=S3CRET", "toy?api_key=S3CRET2"], ["toy", "toy #2"]),
    ],
)
def test_specs_that_would_be_called_alike_get_what_tells_them_apart(
    specs: list[str], names: list[str]
) -> None:
    assert names_of(specs) == names


def test_a_long_value_is_cut_unless_that_makes_two_alike() -> None:
    cut = names_of(["toy", f"toy?log={'/folder' * 30}"])[1]
    assert cut.startswith("toy log=/folder")
    assert len(cut) < 50
    assert len(set(names_of([f"toy?log={'7' * 100}", f"toy?log={'7' * 101}"]))) == 2


def test_what_a_short_name_has_taken_is_told_apart_from_it() -> None:
    assert names_of(["vertex?project=P"], ["vertex"]) == ["vertex project=P"]
    assert names_of(["onnx:/a/clip"], ["clip"]) == ["a/clip"]
    assert names_of(["palette"], ["palette"]) == ["palette #2"]


word = st.text("ab/\\.:@ -1", min_size=1, max_size=6)
option = st.tuples(
    st.sampled_from(["dimension", "precision", "api_key", "endpoint"]), st.text("ab1 /:@.", max_size=4)
)
spec = st.one_of(
    st.sampled_from([*WELL_KNOWN, *WELL_KNOWN.values()]),
    st.builds(
        lambda provider, model, options: (
            provider
            + (f":{model}" if model else "")
            + ("?" + "&".join(f"{key}={value}" for key, value in options.items()) if options else "")
        ),
        st.sampled_from(["toy", "vertex", "onnx"]),
        st.one_of(st.just(""), word),
        st.lists(option, max_size=3).map(dict),
    ),
).map(str.strip)
specs = st.lists(spec, min_size=1, max_size=7, unique=True)
aliases = st.sets(st.sampled_from(["toy", "vertex", "clip-ViT-L-14", "ab", "toy #2", "vertex dimension"]))


@given(specs, aliases, st.randoms(use_true_random=False))
def test_no_two_are_called_alike_and_the_order_does_not_matter(
    specs: list[str], taken: set[str], shuffle: random.Random
) -> None:
    names = names_of(specs, taken)
    assert all(name.strip() for name in names)
    assert len({*names, *taken}) == len(names) + len(taken)
    other = list(specs)
    shuffle.shuffle(other)
    assert dict(zip(other, names_of(other, taken), strict=True)) == dict(zip(specs, names, strict=True))


@given(st.lists(st.sampled_from(["toy", "vertex:m", "onnx:/a/b"]), min_size=1, max_size=4), st.booleans())
def test_no_secret_is_in_a_name(heads: list[str], in_address: bool) -> None:
    secret = "https://me:HUSH{}@host" if in_address else "HUSH{}"
    key = "endpoint" if in_address else "access_token"
    specs = [f"{head}?{key}={secret.format(number)}&b={number}" for number, head in enumerate(heads)]
    assert "HUSH" not in " ".join(names_of(specs))
    assert "HUSH" not in " ".join(names_of([each.partition("&b=")[0] for each in specs]))


# The way back


@given(specs, st.data())
def test_what_is_written_for_a_run_again_gives_the_names_again(specs: list[str], data: st.DataObject) -> None:
    given = [
        (data.draw(st.one_of(st.none(), st.just(f"m{number}"))), spec) for number, spec in enumerate(specs)
    ]
    names = name_all(given)
    written = as_written(list(zip(names, specs, strict=True)))
    assert name_all([split_alias(each) for each in written]) == names


def test_a_run_without_short_names_is_written_without_them() -> None:
    assert as_written([("vertex", "vertex?project=P"), ("clip", "clip-ViT-L-14")]) == [
        "vertex?project=P",
        "clip=clip-ViT-L-14",
    ]


def test_an_embedder_whose_spec_nobody_knows_is_written_by_its_name() -> None:
    assert as_written([("random?seed=1", ""), ("mine", "")]) == ["random?seed=1", "mine"]
    assert as_written([("odd", "?")]) == ["?"]
