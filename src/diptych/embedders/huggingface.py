"""Models in a folder or on the Hugging Face Hub: which version it is, whose licence, and what went wrong."""

from __future__ import annotations

import hashlib
import shutil
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diptych.cache import file_hashes
from diptych.embedders.base import EmbedderUnavailable
from diptych.errors import DiptychWarning

TIMEOUT = 10.0
"""Seconds to wait for the Hub's first answer; its own client would wait for as long as the system does."""

_WORTH_SAYING = 100_000_000
"""Bytes: fetching more is said beforehand."""

_WEIGHTS = (".safetensors", ".bin")

_MARKS_OF_A_MODEL = ("modules.json", "config.json", "adapter_config.json")
_NOT_PART_OF_A_MODEL = frozenset({".md", ".h5", ".msgpack", ".onnx", ".onnx_data", ".ot", ".tflite"})


@dataclass(frozen=True)
class Source:
    """A model that was found.

    Attributes:
        place: What a library is told to load: a folder or a Hub id.
        label: How a person is shown it.
        identity: Changes whenever the model's files do.
        commit: The Hub's commit; None for a folder.
        unreachable: Why the Hub is not to be asked for files; None where it answers.
        sizes: Bytes of each file by its path, as far as the Hub says.
    """

    place: str
    label: str
    identity: str
    commit: str | None = None
    unreachable: str | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)


def find(model: str, revision: str | None) -> Source:
    """Find a model, pinned to what it holds now.

    Args:
        model: A folder, or a Hub id with its owner.
        revision: A branch, tag or commit on the Hub; None for its main branch.

    Returns:
        Where it is. A Hub model need not be downloaded yet.

    Raises:
        EmbedderUnavailable: There is no such folder or model, or it can't be fetched.
    """
    folder = find_folder(model, revision)
    if folder is None:
        return find_on_hub(model, revision)
    if not any((folder / name).is_file() for name in _MARKS_OF_A_MODEL):
        raise EmbedderUnavailable(
            f"the folder {folder} holds no model: it has none of modules.json, config.json"
        )
    return describe_folder(folder, _parts_of_a_model(folder))


def find_folder(model: str, revision: str | None) -> Path | None:
    """The folder that `model` names, or None for the name of a model on the Hub; raises as `find` does."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if revision:
            raise EmbedderUnavailable(f"{model} is a folder: revision is for models on the Hugging Face Hub")
        return folder
    if model.startswith((".", "/", "~")) or "\\" in model or model.count("/") > 1 or folder.exists():
        raise EmbedderUnavailable(f"there is no model folder {model}")
    return None


def describe_folder(folder: Path, files: Iterable[Path]) -> Source:
    """A model in a folder, known by the content of its files.

    Whole files, because training one layer on leaves sizes, headers and most bytes alone. That takes a second
    or so for each gigabyte, once: the hashes are remembered for as long as a file is not touched.
    """
    digest = hashlib.sha256()
    for path, contents_of_file in file_hashes(sorted(files)).items():
        digest.update(f"{path.relative_to(folder).as_posix()}\0{contents_of_file}\n".encode())
    contents = digest.hexdigest()
    return Source(
        place=str(folder),
        label=f"{folder.resolve().name}@{contents[:12]}",
        identity=f"folder@{contents}",
        unreachable="a folder is loaded without it",
    )


def _parts_of_a_model(folder: Path) -> Iterator[Path]:
    """All that a model is made of, so that other weights are never taken for these.

    What no model is loaded from (notes, other frameworks' copies, hidden files) is left out.
    """
    for path in files_below(folder):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.suffix not in _NOT_PART_OF_A_MODEL:
            yield path


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, by the paths that a library would open them by: links are followed.

    A link that leads back to a folder it lies in is not.
    """
    waiting = [(folder, frozenset({folder.resolve()}))]
    while waiting:
        inside, above = waiting.pop()
        try:
            paths = list(inside.iterdir())
        except OSError:  # nobody may look into it, no library either
            continue
        for path in paths:
            if path.is_file():
                yield path
            elif path.is_dir() and (resolved := path.resolve()) not in above:
                waiting.append((path, above | {resolved}))


def find_on_hub(repo: str, revision: str | None, marks: Sequence[str] = _MARKS_OF_A_MODEL) -> Source:
    """Pin a Hub model to a commit: asked of the Hub, or known from the cache where the Hub can't say.

    Args:
        repo: Its name.
        revision: A branch, tag or commit; None for the main branch.
        marks: Files of which the cache holds at least one where it holds the model.

    Raises:
        EmbedderUnavailable: There is no such model, or it can't be fetched.
    """
    from huggingface_hub import HfApi

    unreachable, sizes = None, {}
    try:
        about = HfApi().model_info(repo, revision=revision, timeout=TIMEOUT, files_metadata=True)
        sizes = {file.rfilename: file.size for file in about.siblings or () if file.size}
        commit = HfApi().resolve_revision(repo, revision=revision).resolved  # and notes it in the cache
    except Exception as error:  # noqa: BLE001 (its HTTP client's exceptions share no base class with its own)
        unreachable = one_line(error)
        commit = _find_in_cache(repo, revision, marks, error)
    return Source(
        place=repo,
        label=f"{repo}@{commit[:12]}",
        identity=f"{repo}@{commit}",
        commit=commit,
        unreachable=unreachable,
        sizes=sizes,
    )


def make_sure_of_room(source: Source, names: Iterable[str]) -> None:
    """Before files of a Hub model are fetched: say how large they are, and that the disk can take them.

    Those that are on this machine already count for nothing. What the Hub says of their sizes is believed.

    Args:
        source: The model.
        names: The files that are wanted.

    Raises:
        EmbedderUnavailable: The disk has no room for them.
    """
    from huggingface_hub import constants, try_to_load_from_cache

    missing = [
        name
        for name in names
        if name in source.sizes
        and not isinstance(try_to_load_from_cache(source.place, name, revision=source.commit), str)
    ]
    wanted, cache = sum(source.sizes[name] for name in missing), Path(constants.HF_HUB_CACHE)
    free = shutil.disk_usage(next(folder for folder in (cache, *cache.parents) if folder.exists())).free
    if wanted > free:
        raise EmbedderUnavailable(
            f"{source.place} takes {wanted / 1e9:.3g} GB more, and there is room for {free / 1e9:.3g} in"
            f" {cache}: make room, or set HF_HOME to a folder on a larger disk"
        )
    if wanted > _WORTH_SAYING:
        warnings.warn(
            f"{source.place}: fetching {wanted / 1e9:.3g} GB into {cache}", DiptychWarning, stacklevel=3
        )


def weights_in(source: Source) -> list[str]:
    """The files of a Hub model that a library of models loads at the least.

    Many repositories hold the same weights in several forms: of these the one that is taken first, in every
    folder.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for name in source.sizes:
        folder, _, file = name.rpartition("/")
        if (form := Path(file).suffix) in _WEIGHTS:
            found.setdefault(folder, {}).setdefault(form, []).append(name)
    return [name for forms in found.values() for name in forms[min(forms, key=_WEIGHTS.index)]]


def _find_in_cache(repo: str, revision: str | None, marks: Sequence[str], failure: Exception) -> str:
    from huggingface_hub import HfApi, try_to_load_from_cache

    try:
        commit = HfApi().resolve_revision(repo, revision=revision, local_files_only=True).resolved
        cached = [try_to_load_from_cache(repo, name, revision=commit) for name in marks]
        if any(isinstance(path, str) for path in cached):
            return commit
    except Exception:  # noqa: BLE001, S110 (not in the cache: why the Hub failed is what a person can mend)
        pass
    raise EmbedderUnavailable(explain(failure, repo, revision)) from failure


def fetch(source: Source, revision: str | None, name: str) -> Path | None:
    """One file of a Hub model, at the commit it is pinned to; from the cache where it is there.

    Args:
        source: The model.
        revision: As the person wrote it, for the message where this fails.
        name: The file's path in the model.

    Returns:
        Where it is, or None where the model has no such file.

    Raises:
        EmbedderUnavailable: The Hub can't be asked, or refuses.
    """
    from huggingface_hub import errors, hf_hub_download

    make_sure_of_room(source, [name])
    cached_only = source.unreachable is not None
    try:
        return Path(hf_hub_download(source.place, name, revision=source.commit, local_files_only=cached_only))
    except Exception as error:  # its HTTP client's exceptions share no base class with its own
        not_there = isinstance(error, errors.EntryNotFoundError)
        if not_there and (cached_only or not isinstance(error, errors.LocalEntryNotFoundError)):
            return None
        raise EmbedderUnavailable(explain(error, source.place, revision)) from error


def explain(error: BaseException, repo: str, revision: str | None) -> str:
    """Say in one line what went wrong with a model on the Hub, and what to do."""
    from huggingface_hub import errors

    causes = list(_causes(error))

    def is_due_to(kind: type[BaseException]) -> bool:
        return any(isinstance(cause, kind) for cause in causes)

    sign_in = "set HF_TOKEN or run `hf auth login`"
    if is_due_to(errors.GatedRepoError):
        return f"{repo} is gated: accept its terms at https://huggingface.co/{repo}, then {sign_in}"
    if is_due_to(errors.RepositoryNotFoundError):
        return f"the Hugging Face Hub has no model {repo}: check the name, or where it is private {sign_in}"
    if is_due_to(errors.RevisionNotFoundError):
        return f"{repo} has no revision {revision!r}: see https://huggingface.co/{repo}/commits"
    if is_due_to(errors.HFValidationError):
        return f"{repo!r} is neither a folder nor the name of a model on the Hugging Face Hub"
    if status_of(error) in {401, 403}:
        return f"the Hugging Face Hub refuses {repo} to the token it was given: {sign_in} with another one"
    return explain_missing(repo, one_line(error))


def explain_missing(repo: str, reason: str) -> str:
    """Say what to do where the Hub can't be asked and the model is not in the cache, or not all of it."""
    return (
        f"{repo} is not on this machine, or not all of it, and the Hugging Face Hub is of no help ({reason}):"
        " download it once where there is a network, copy the folder, and write its path in place of the name"
    )


def status_of(error: BaseException) -> int | None:
    """The HTTP status that the Hub answered with, where that is what went wrong."""
    from huggingface_hub import errors

    answers = [cause.response for cause in _causes(error) if isinstance(cause, errors.HfHubHTTPError)]
    return answers[0].status_code if answers else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def one_line(error: BaseException) -> str:
    """The first line of an error, without the person's token wherever a library may have put it."""
    from huggingface_hub import get_token

    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    token = get_token()
    return (first.replace(token, "***") if token else first)[:200].rstrip(" .:")


def licence(source: Source) -> str | None:
    """The licence that the model's card names, or None."""
    from huggingface_hub import hf_hub_download, metadata_load

    try:
        card = Path(source.place, "README.md")
        if source.commit:
            cached_only = source.unreachable is not None
            found = hf_hub_download(
                source.place, card.name, revision=source.commit, local_files_only=cached_only
            )
            card = Path(found)
        named: Mapping[str, Any] = metadata_load(card) or {}
    except Exception:  # noqa: BLE001 (no card, a broken one, no network: nothing to fail for)
        return None
    value = named.get("license_name") if named.get("license") == "other" else named.get("license")
    return ", ".join(value) if isinstance(value, list) else value
