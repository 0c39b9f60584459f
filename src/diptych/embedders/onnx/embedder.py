"""ONNX exports of CLIP models, run by onnxruntime: neither torch nor transformers is needed.

A model is a folder or a name on the Hugging Face Hub, laid out as transformers.js' and Immich's are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.embedders import huggingface, speed
from diptych.embedders.base import Embedder, EmbedderInfo, EmbedderUnavailable, Vectors
from diptych.embedders.cards import ModelCard, ProviderCard
from diptych.embedders.notices import CutTexts
from diptych.embedders.onnx import layout
from diptych.embedders.onnx.loading import MODULES, OnnxSettings, import_libraries
from diptych.embedders.onnx.sessions import MASK, PICTURES, TOKENS, Side, open_session
from diptych.embedders.onnx.texts import OnnxTextReader, Tokens, is_siglip
from diptych.embedders.pictures import PictureProcessor, PictureRules
from diptych.embedders.registry import reject_unknown_options
from diptych.embedders.remembered import load_once
from diptych.embedders.self_check import common_dimension

PROVIDER = "onnx"

CARD = ProviderCard(
    about="ONNX exports of CLIP models, as transformers.js and Immich use them; needs no torch",
    spec="onnx:Xenova/clip-vit-base-patch32",
    needs="the model's files, fetched from the Hugging Face Hub at first",
    modules=MODULES,
    extra="onnx",
    licence="the model's",
    models=(
        ModelCard(
            spec="onnx:Xenova/clip-vit-base-patch32",
            dimension=512,
            sees="the middle, 224×224",
            text_tokens=77,
            speed="fast",
        ),
    ),
)

OPTIONS = ("variant", "threads", "provider", "revision", "batch_size", "precision")

SAME = 1e-3
"""How far, in parts of their length, vectors may be apart that only rounding made different."""


def load(model: str, **options: str) -> Embedder:
    """Load a model; called for specs such as `onnx:Xenova/clip-vit-base-patch32?variant=fp16`.

    Args:
        model: A folder or a Hub id.
        **options: `variant` (`fp32`, `fp16`, `q8`, …: the files' suffix), `threads` (of one call; a processor
            is given as many calls at once as there are cores for them), `provider` (`cpu`, or another one
            that onnxruntime has here), `revision` (a branch, tag or commit of the Hub's), `batch_size`
            and `precision` (`exact`, or `fast`: large JPEGs are decoded at a reduced size).

    Returns:
        The embedder.

    Raises:
        EmbedderUnavailable: A package, the model or the provider is missing, the model can't be fetched or is
            no export of both sides of a CLIP, or an option is unknown or its value makes no sense.
    """
    reject_unknown_options(PROVIDER, options, OPTIONS)
    settings = OnnxSettings.parse(options)
    if not model:
        raise EmbedderUnavailable(
            "onnx needs a model: write onnx:FOLDER or onnx:Xenova/clip-vit-base-patch32"
        )
    if CARD.missing():
        import_libraries()  # says what to install
    source, files = layout.find(model, settings.variant, settings.revision)

    def load_now() -> Embedder:
        import_libraries()
        return OnnxEmbedder(source, files, settings)

    return load_once(source, options, ("onnxruntime", "tokenizers"), load_now)


class OnnxEmbedder:
    """A CLIP model that onnxruntime runs.

    Args:
        source: Where the model came from.
        files: Its files.
        settings: The options of the spec.

    Raises:
        EmbedderUnavailable: The files are not an export of a CLIP, a side fails, or the two sides give
            vectors of different lengths.
    """

    only_looks = True
    info: EmbedderInfo

    def __init__(self, source: huggingface.Source, files: layout.ModelFiles, settings: OnnxSettings) -> None:
        self._open_sides(files, settings)
        side = self._pictures.axis(PICTURES, 2)
        rules = PictureRules.of(files.preprocessor, files.preprocess_cfg, side)
        self._processor = PictureProcessor(rules)
        self._reader = OnnxTextReader(files, self._texts.axis(TOKENS, 1))
        blank, tokens = self.prepare_image(Image.new("RGB", (64, 48))), self._reader(["a"])
        # A model with both sides in one file takes both, whichever is asked.
        self._idle: dict[str, NDArray[Any]] = {PICTURES: blank[None], TOKENS: tokens.ids, MASK: tokens.mask}
        self._cut_texts = CutTexts()
        dimension = self._measure(source.label)
        at_least = speed.enough_pixels(rules.side) if settings.fast else None
        variant = layout.SUFFIXES[settings.variant][1:]
        self.info = EmbedderInfo(
            name=f"{PROVIDER}:{source.place}",
            provider=PROVIDER,
            model=f"{source.label} {variant}".rstrip(),
            dimension=dimension,
            preprocessing=rules.describe()
            + self._reader.rules.describe()
            + (speed.describe(variant or "fp32", at_least) if settings.fast else ""),
            fingerprint=(
                f"{PROVIDER}:{source.identity}:{speed.mark(variant or 'fp32', at_least)}:{self._hash_rules()}"
            ),
            batch_size=settings.batch_size,
            concurrency=settings.concurrency,
            max_text_tokens=self._reader.rules.limit,
            licence=huggingface.licence(source),
            decode_at_least=at_least,
        )

    def _open_sides(self, files: layout.ModelFiles, settings: OnnxSettings) -> None:
        pictures = texts = open_session(files.pictures, settings.provider, settings.threads)
        if files.texts != files.pictures:
            # A person's text comes alone and is waited for, so it has all cores where nothing else is asked.
            texts = open_session(files.texts, settings.provider, settings.threads_of_texts)
        pooled = is_siglip(files.config)
        self._pictures = Side(pictures, str(files.pictures), PICTURES, pooled=pooled)
        self._texts = Side(texts, str(files.texts), TOKENS, pooled=pooled)

    def _hash_rules(self) -> str:
        rules = [dataclasses.asdict(rules) for rules in (self._processor.rules, self._reader.rules)]
        return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:16]

    def _measure(self, label: str) -> int:
        """Run both sides, to see that they work, what batches they take and how long their vectors are."""
        noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        images = [self._idle[PICTURES][0], self.prepare_image(Image.fromarray(noise))]
        self._pictures_together = _may_be_batched(self._run_pictures, images)
        self._texts_together = _may_be_batched(self._run_texts, ["a", "a photo of a dog with a bird"])
        return common_dimension(label, self._run_pictures(images[:1]), self._run_texts(["a"]))

    def prepare_image(self, image: Image.Image) -> NDArray[np.float32]:
        """Resize, crop and normalise as the model's settings say.

        Args:
            image: An upright RGB picture.

        Returns:
            Shape (3, height, width).

        Raises:
            InputRejected: The picture is too thin to be resized.
        """
        return self._processor(image)

    def embed_images(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        """Embed what `prepare_image` returned.

        Args:
            prepared: One array per picture.

        Returns:
            Shape (n, dimension), float32, as the model gives them: not normalised, unless the model does so.

        Raises:
            EmbedderUnavailable: The model fails.
        """
        if not prepared:
            return np.empty((0, self.info.dimension), np.float32)
        batches = _batches(prepared, together=self._pictures_together)
        return np.vstack([self._run_pictures(batch) for batch in batches])

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        A text that is too long is cut where the model's tokenizer cuts it, with one `DiptychWarning`.

        Args:
            texts: The texts; an empty one is embedded as well.

        Returns:
            Shape (n, dimension), float32, as the model gives them: not normalised, unless the model does so.

        Raises:
            EmbedderUnavailable: The model fails.
            InputRejected: A text is not valid Unicode.
        """
        if not texts:
            return np.empty((0, self.info.dimension), np.float32)
        read = [self._reader(batch) for batch in _batches(texts, together=self._texts_together)]
        vectors = np.vstack([self._run_tokens(tokens) for tokens in read])
        cut = [is_cut for tokens in read for is_cut in tokens.cut]
        too_long = [text for text, is_cut in zip(texts, cut, strict=True) if is_cut]
        self._cut_texts.tell(too_long, self.info.name, self.info.max_text_tokens)
        return vectors

    def _run_pictures(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        return self._pictures.run({**self._idle, PICTURES: np.stack(prepared)})

    def _run_tokens(self, tokens: Tokens) -> Vectors:
        return self._texts.run({**self._idle, TOKENS: tokens.ids, MASK: tokens.mask})

    def _run_texts(self, texts: Sequence[str]) -> Vectors:
        return self._run_tokens(self._reader(texts))


def _batches(items: Sequence[Any], *, together: bool) -> list[Sequence[Any]]:
    return [items] if together else [[item] for item in items]


def _may_be_batched(run: Callable[[Sequence[Any]], Vectors], items: Sequence[Any]) -> bool:
    """Whether items in one batch get the vectors that each gets alone.

    Not so where an export takes one item at a time, as Immich's do, or where it rounds to 8-bit numbers by
    the range of the whole batch, as dynamically quantised ones do: vectors are kept, and must not depend on
    which items happened to be embedded together.
    """
    alone = np.vstack([run([item]) for item in items])
    try:
        together = run(items)
    except EmbedderUnavailable:
        return False
    return bool(np.linalg.norm(together - alone) <= SAME * np.linalg.norm(alone))
