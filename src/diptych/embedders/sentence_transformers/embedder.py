"""CLIP and every other model that sentence-transformers loads with pictures and texts in one space.

A model is a name from the Hugging Face Hub (`clip-ViT-L-14`, `google/siglip2-base-patch16-256`) or a folder.
Three rules keep its scores comparable:

* Pictures go in as pixels and texts as `{"text": …}`. sentence-transformers takes a bare string for a picture
  where it names one (`cat.jpg`, `https://…/cat.jpg`), and for a text where it does not.
* Pictures are prepared with Pillow, wherever the model has a Pillow processor: transformers would pick
  torchvision where that is installed, which resizes a little differently, and scores would depend on it.
* SigLIP reads its texts as it was trained: in lower case, padded to its full length, the padding not masked.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image

from diptych.embedders import huggingface, speed, torch_models
from diptych.embedders.base import Embedder, EmbedderInfo, EmbedderUnavailable, Vectors
from diptych.embedders.cards import ProviderCard
from diptych.embedders.licences import tell_before_download
from diptych.embedders.notices import CutTexts, reject_invalid
from diptych.embedders.pictures import PictureProcessor, reject_thin
from diptych.embedders.registry import reject_unknown_options
from diptych.embedders.remembered import load_once
from diptych.embedders.self_check import common_dimension
from diptych.embedders.sentence_transformers import facts
from diptych.embedders.sentence_transformers.catalogue import MODELS
from diptych.embedders.sentence_transformers.loading import (
    DEFAULT_MODEL,
    SentenceTransformersSettings,
    find_model,
    import_libraries,
    open_model,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PROVIDER = "sentence-transformers"

CARD = ProviderCard(
    about="CLIP, SigLIP and whatever else sentence-transformers loads with pictures and texts in one space",
    spec="clip-ViT-L-14",
    needs="the model's files, fetched from the Hugging Face Hub at first",
    modules=("torch", "sentence_transformers"),
    extra="clip",
    licence="the model's",
    models=MODELS,
)

OPTIONS = (*torch_models.OPTIONS, "dimension", "trust_remote_code")

PACKAGES = ("sentence-transformers", *torch_models.PACKAGES)
"""What a model's facts depend on, as it is installed."""


def load(model: str, **options: str) -> Embedder:
    """Load a model; called for specs such as `sentence-transformers:clip-ViT-L-14?precision=bfloat16`.

    Args:
        model: A folder, a Hub id, or empty for `clip-ViT-L-14`. A name without an owner is one of the
            `sentence-transformers` organisation's.
        **options: `device` (default: cuda, then mps, then cpu), `revision` (a branch, tag or commit of the
            Hub's), `batch_size` (default 32 on a GPU, 4 on a processor), `precision` (`float32`, `bfloat16`,
            `float16` or `fast`: half precision where the device is faster with it, large JPEGs decoded at a
            reduced size),
            `dimension` (keeps so many of a vector's first numbers, for models trained for it: Matryoshka) and
            `trust_remote_code` (`true` runs code that comes with the model; off by default).

    Returns:
        The embedder.

    Raises:
        EmbedderUnavailable: A package, the model or the device is missing, the model can't be fetched, it has
            no image side or no text side, or an option is unknown or its value makes no sense.
    """
    reject_unknown_options(PROVIDER, options, OPTIONS)
    settings = SentenceTransformersSettings.parse(options)
    if CARD.missing():
        import_libraries()  # says what to install
    source = find_model(model or DEFAULT_MODEL, settings.revision)

    def load_now() -> Embedder:
        import_libraries()
        licence = tell_before_download(source)
        huggingface.make_sure_of_room(source, huggingface.weights_in(source))
        return SentenceTransformersEmbedder(open_model(source, settings), source, settings, licence)

    if settings.trust_remote_code:  # what a model's own code says of it may change with anything
        return load_now()
    return load_once(source, options, PACKAGES, load_now)


class SentenceTransformersEmbedder:
    """A model that sentence-transformers loaded.

    Pictures are preprocessed in `prepare_image` and only stacked and run in `embed_images`, so that the two
    overlap. Where the model's processor does no more than resize, crop and normalise, our own does it to the
    same bits, which takes a third of the time. A model whose processor makes no single size of pictures, or
    which reads them inside a chat template (Qwen-VL, Gemma), can't be taken apart like this: `embed_images`
    gets the pictures and does both.

    Texts are embedded as queries and pictures as documents, where a model tells the two apart.

    Args:
        model: The loaded model, in evaluation mode.
        source: Where it came from.
        settings: The options of the spec.
        licence: The model's, where its card names one.

    Raises:
        EmbedderUnavailable: A side fails, or the two sides give vectors of different lengths.
    """

    only_looks = True
    info: EmbedderInfo

    def __init__(
        self,
        model: SentenceTransformer,
        source: huggingface.Source,
        settings: SentenceTransformersSettings,
        licence: str | None,
    ) -> None:
        self._model = model
        # A tokenizer keeps how it cuts and pads as its own state: two threads would change it for each other.
        self._lock = threading.Lock()
        self._texts = facts.SentenceTransformersTextRules.of(model)
        self._one_size = False
        self._has_own_code = settings.trust_remote_code  # which may keep anything in the model
        self._side_by_side = False
        self._one_by_one = False
        self._shortest_side: int | None = None
        self._processor: PictureProcessor | None = None
        self._blank: Mapping[str, Any] = {}
        self._cores = speed.Cores()
        self._cut_texts = CutTexts()
        if self._texts.limit is not None:
            # Some tokenizers know of no limit, would cut nothing, and the model would fail.
            model.max_seq_length = self._texts.limit
        dimension = self._measure(source.label)
        if settings.dimension and settings.dimension > dimension:
            raise EmbedderUnavailable(
                f"{source.label} gives {dimension} numbers, not {settings.dimension}: ask for fewer"
            )
        device = model.device.type
        batch_size, concurrency = speed.calls(device, settings.batch_size, self._cores.count)
        number = speed.number_type(settings.precision, device)
        fast = settings.precision == speed.FAST
        at_least = speed.enough_pixels(self._processor.rules.side) if fast and self._processor else None
        scale = facts.learnt_number(model, "logit_scale")
        settings_hash = facts.settings_hash(model, self._texts)
        self.info = EmbedderInfo(
            name=f"{PROVIDER}:{source.place}",
            provider=PROVIDER,
            model=source.label,
            dimension=dimension,
            preprocessing=facts.describe_pictures(model, one_size=self._one_size)
            + self._texts.describe()
            + (speed.describe(number, at_least) if fast else ""),
            fingerprint=f"{PROVIDER}:{source.identity}:{speed.mark(number, at_least)}:{settings_hash}",
            batch_size=batch_size,
            concurrency=concurrency if self._side_by_side else 1,
            max_text_tokens=self._texts.limit,
            logit_scale=None if scale is None else math.exp(scale),
            logit_bias=facts.learnt_number(model, "logit_bias"),
            licence=licence,
            decode_at_least=at_least,
        )

    def _measure(self, label: str) -> int:
        """Run both sides once, to see that they work and how long their vectors are."""
        try:
            self._one_size = facts.makes_one_size(self._model)
            blank = self.prepare_image(Image.new("RGB", (64, 48)))
            self._side_by_side = self._one_size and not self._has_own_code
            if self._one_size:
                self._shortest_side = facts.shortest_side(self._model)
                self._blank, self._processor = blank, facts.own_processor(self._model)
            self._one_by_one = not self._one_size and not self._takes_several(blank)
            picture = self.embed_images([blank])
            text = self.embed_texts(["a photo"])
        except EmbedderUnavailable:
            raise
        except Exception as error:  # a model that loads but was not made for this fails in its own way
            raise EmbedderUnavailable(f"{label} fails at embedding: {huggingface.one_line(error)}") from error
        return common_dimension(label, picture, text)

    def prepare_image(self, image: Image.Image) -> Any:
        """Do what the model's own picture processor does.

        Args:
            image: An upright RGB picture.

        Returns:
            The model's inputs for this picture by name, the tensors with a first axis of 1; or the picture
            itself, where the model prepares pictures on its own.

        Raises:
            InputRejected: The picture is too thin to be resized.
        """
        if self._processor:
            import torch

            return {**self._blank, facts.PIXELS: torch.from_numpy(self._processor(image))[None]}
        if self._one_size and self._shortest_side:
            reject_thin(image, self._shortest_side)
        own = image.copy()  # what a model's own processor does with it is not known
        return dict(self._model.preprocess([own], task="document")) if self._one_size else own

    def embed_images(self, prepared: Sequence[Any]) -> Vectors:
        """Embed what `prepare_image` returned.

        Args:
            prepared: One item per picture.

        Returns:
            Shape (n, dimension), float32, as the model gives them: not normalised, unless the model does so.

        Raises:
            EmbedderUnavailable: The device has too little memory for a batch.
        """
        if not prepared:
            return np.empty((0, self.info.dimension), np.float32)
        if self._side_by_side:
            with self._running(one_of_many=len(prepared) > 1):
                return self._run_stacked(prepared)
        with self._lock, self._running():
            return self._run_stacked(prepared) if self._one_size else self._run_whole(prepared)

    def _run_stacked(self, prepared: Sequence[Mapping[str, Any]]) -> Vectors:
        """Do what `SentenceTransformer.encode` does after preprocessing."""
        import torch

        features = {
            name: torch.cat([item[name] for item in prepared]).to(self._model.device)
            if isinstance(value, torch.Tensor)
            else value
            for name, value in prepared[0].items()
        }
        with torch.inference_mode():
            vectors = self._model(features, task="document")["sentence_embedding"]
            return cast("Vectors", vectors[:, : self._model.truncate_dim].float().cpu().numpy())

    def _takes_several(self, picture: Image.Image) -> bool:
        """Whether two pictures give two vectors: some processors take a list of pictures for one document."""
        try:
            return len(self._run_whole([picture, picture])) == 2
        except Exception:  # noqa: BLE001 (sentence-transformers looks for the second vector, or the model fails)
            return False

    def _run_whole(self, pictures: Sequence[Image.Image]) -> Vectors:
        size = 1 if self._one_by_one else len(pictures)
        vectors = self._model.encode_document(
            list(pictures), batch_size=size, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, np.float32)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, as queries where the model tells queries from documents.

        A text that is too long is cut where the model's tokenizer cuts it, with one `DiptychWarning`.

        Args:
            texts: The texts; an empty one is embedded as well.

        Returns:
            Shape (n, dimension), float32, as the model gives them: not normalised, unless the model does so.

        Raises:
            EmbedderUnavailable: The device has too little memory for a batch.
            InputRejected: A text is not valid Unicode.
        """
        if not texts:
            return np.empty((0, self.info.dimension), np.float32)
        read = [self._as_read(text) for text in texts]
        encode: Any = self._model.encode_query
        with self._lock, self._running():
            cut = [text for text, as_read in zip(texts, read, strict=True) if self._is_cut(as_read)]
            vectors = encode(
                [{"text": text} for text in read],
                batch_size=len(read),
                show_progress_bar=False,
                convert_to_numpy=True,
                **self._texts.arguments,
            )
        if cut:
            self._cut_texts.tell(cut, self.info.name, self._texts.limit)
        return np.asarray(vectors, np.float32)

    def _as_read(self, text: str) -> str:
        reject_invalid(text)
        return text.lower() if self._texts.siglip else text

    def _is_cut(self, text: str) -> bool:
        if self._texts.limit is None:
            return False
        whole = self._model.tokenizer(self._texts.prompt + text, truncation=False, verbose=False)
        return len(whole["input_ids"]) > self._texts.limit

    @contextmanager
    def _running(self, *, one_of_many: bool = False) -> Iterator[None]:
        """Use this call's share of the cores, and say in plain words that the device is full."""
        with torch_models.full_device_said(self._model.device), self._cores.share(one_of_many=one_of_many):
            yield
