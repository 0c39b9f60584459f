"""The one place where bytes become pixels."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from typing import cast

from PIL import ExifTags, Image, ImageFile

from diptych.images import memory
from diptych.images.apart import ALWAYS, LARGE, decode_apart, goes_apart
from diptych.images.avif import with_sizes
from diptych.images.coded import declared_colours
from diptych.images.colour import to_srgb
from diptych.images.declared import is_cut_off, largest_size
from diptych.images.formats import format_of, why_not
from diptych.images.limits import Limits, UnreadablePicture
from diptych.images.pillow import pixel_limit, quiet, quiet_libtiff
from diptych.images.scans import check_scans
from diptych.images.tiff import open_tiff
from diptych.images.unended import JPEG_END, ended
from diptych.images.work import BoundedFile, bounded

AVIF_PIXELS = 16384 * 16384
"""The most pixels that the AVIF decoder takes."""

_READERS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "GIF": ("diptych.images.gif", "GifFile"),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
    "BMP": ("diptych.images.bmp", "BmpFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "JPEG 2000": ("diptych.images.jpeg2000", "Jpeg2000File"),
    "PSD": ("diptych.images.psd", "PsdFile"),
    "PNM": ("diptych.images.pnm", "PnmFile"),
}
"""Every format read here, none of which calls another program, with its reader: Pillow's, or ours.

The readers are called directly: `Image.open` would add a check against a limit that is global to the process
and below ours, and try other formats on a damaged file.
"""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture of each EXIF orientation upright."""

_CUT_OFF = re.compile(r"truncated|end of file|premature|not enough|only got", re.IGNORECASE)
_METADATA_BOMB = re.compile(r"MAX_TEXT_CHUNK|MAX_TEXT_MEMORY")

Turn = Callable[[int, int, int], None]
"""What waits until pixels may be decoded: of a picture's width, its height, and the bytes that it takes."""


def decode(data: bytes, limits: Limits = Limits(), *, at_least: int | None = None) -> Image.Image:
    """Turn a picture's bytes into upright sRGB pixels; safe to call from many threads.

    Orientation (EXIF, and `irot`/`imir` in AVIF and HEIF) is applied, colours are converted to sRGB and
    transparency is put on white (`colour.to_srgb` says how). Of an animation or a file of many pages it is
    the first picture. A format is told by the bytes, never by a name.

    Args:
        data: The whole file.
        limits: Its pixel limit is checked against the header, before any pixel is decoded.
        at_least: Decode a JPEG at a half, a quarter or an eighth of its size, whichever is the smallest that
            leaves both sides so many pixels; None for all pixels.

    Returns:
        A picture of mode RGB without metadata, shared with nobody.

    Raises:
        UnreadablePicture: It can't be read; the message is the reason.
    """
    with memory.pixels.hold() as hold:
        return _held(data, limits, at_least, hold)


@contextmanager
def decoded(data: bytes, limits: Limits = Limits(), *, at_least: int | None = None) -> Iterator[Image.Image]:
    """What `decode` returns, for as long as the block lasts: until then it counts among all in memory.

    Who makes something small of a picture in many threads does so within the block: then all of them are
    bounded together (`memory.pixels`), waiting for one another where there is no room.
    """
    with memory.pixels.hold() as hold:
        image = _held(data, limits, at_least, hold)
        hold.keep(image.width * image.height * memory.RGB)
        yield image


def _held(data: bytes, limits: Limits, at_least: int | None, hold: memory.Hold) -> Image.Image:
    kind = _kind_of(data)

    def apart() -> Image.Image:
        return decode_apart(data, kind, limits, at_least, hold)

    if kind in ALWAYS:
        _reader(kind)
        return apart()
    return decode_here(data, kind, limits, at_least, lambda _width, _height, much: hold.take(much), apart)


def decode_here(
    data: bytes,
    kind: str,
    limits: Limits,
    at_least: int | None,
    turn: Turn,
    apart: Callable[[], Image.Image] | None = None,
) -> Image.Image:
    """What `decode` says, in this process if the picture's header does not tell against it.

    Args:
        data: The whole file.
        kind: Its format, as `format_of` names it.
        limits: As in `decode`.
        at_least: As in `decode`.
        turn: What waits before pixels are decoded; it may be called twice.
        apart: What decodes it in another process; None in that process.
    """
    try:
        with quiet(), quiet_libtiff() if kind == "TIFF" else nullcontext():
            return _decode(kind, data, limits, at_least, turn, apart)
    except UnreadablePicture:
        raise
    except Image.DecompressionBombError as error:
        raise UnreadablePicture(_too_large(limits, error)) from error
    except MemoryError as error:
        raise UnreadablePicture("there is not enough memory for it") from error
    except Exception as error:  # readers raise anything at all on hostile bytes
        if (whole := _mended(kind, data)) is not None:
            with suppress(UnreadablePicture):  # then it lacks more
                return decode_here(whole, kind, limits, at_least, turn, apart)
        raise UnreadablePicture(_reason(kind, data, limits, error), damaged=True) from error


def _kind_of(data: bytes) -> str:
    kind = format_of(data[:4096])
    if kind is None:
        raise UnreadablePicture(why_not(data[:4096]), damaged=True)
    return kind


def _decode(
    kind: str,
    data: bytes,
    limits: Limits,
    at_least: int | None,
    turn: Turn,
    apart: Callable[[], Image.Image] | None,
) -> Image.Image:
    file = bounded(data, kind, limits)
    image: Image.Image = _open(kind, file)
    limits.check_pixels(*image.size)
    file.check()
    if apart is not None and goes_apart(kind, image):
        return apart()
    file.allow_for(*image.size)
    pixels = image.width * image.height
    if kind == "JPEG":
        check_scans(image, file)
    if kind == "JPEG" and at_least is not None:
        image.draft(None, (at_least, at_least))
    turn(*image.size, memory.while_decoded(kind, image, pixels))
    image.load()
    colours = declared_colours(kind, image, file.getvalue())
    limits.check_pixels(*image.size)  # a HEIF stream may hold more than its header says
    if kind != "HEIF":  # there the reader has turned it already
        image = _upright(image)
    image = to_srgb(image, colours, file.check)
    # Pillow's own way to a picture without file, frames and metadata that copies no pixels. Metadata must
    # go: who saves the picture would write the colour profile, who reads it again would turn it twice.
    return Image.Image()._new(image.im)  # noqa: SLF001


def _mended(kind: str, data: bytes) -> bytes | None:
    """A file with what its reader misses and no pixel depends on; None where nothing of that kind lacks."""
    if kind != "AVIF":
        return _with_its_end(kind, data)
    with suppress(struct.error, IndexError):  # damaged
        return with_sizes(data)
    return None


def _with_its_end(kind: str, data: bytes) -> bytes | None:
    """A file of a usual size that may lack the marker of its end and nothing else, with it."""
    if data.endswith(JPEG_END):
        return None
    if kind == "JPEG 2000":  # whose decoder refuses what lacks more
        return data.rstrip(JPEG_END[:1]) + JPEG_END
    if kind != "JPEG":
        return None
    try:
        with quiet(), _opened("JPEG", bounded(data, "JPEG", Limits())) as image:
            return ended(data) if image.width * image.height <= LARGE else None
    except Exception:  # noqa: BLE001 (then it lacks more)
        return None


def _open(kind: str, file: BoundedFile) -> ImageFile.ImageFile:
    """Read a picture's header, be its size within Pillow's own limit or not."""
    try:
        return _opened(kind, file)
    except Image.DecompressionBombError:
        file.seek(0)
        with pixel_limit(file.limits.megapixels * 1e6):
            return _opened(kind, file)


def _opened(kind: str, file: BoundedFile) -> ImageFile.ImageFile:
    reader = _reader(kind)
    if kind == "PNG":
        return _open_png(reader, file)
    if kind == "TIFF":
        tiff = open_tiff(file)
        _check_tiles(tiff)
        return tiff
    return reader(file)


def _reader(kind: str) -> type[ImageFile.ImageFile]:
    module, name = _READERS[kind]
    try:
        return cast("type[ImageFile.ImageFile]", getattr(import_module(module), name))
    except ImportError as error:
        raise UnreadablePicture("HEIC pictures need pillow-heif: pip install 'diptych[heif]'") from error


def _open_png(reader: type[ImageFile.ImageFile], file: BoundedFile) -> ImageFile.ImageFile:
    bits = file.getvalue()[24]
    try:
        image = reader(file)
    except SyntaxError:
        file.replace(_png_without_extras(file.getvalue()))
        image = reader(file)
    _scale_transparent_colour(image, bits)
    return image


def _png_without_extras(data: bytes) -> bytes:
    """Leave out the chunks that no pixel depends on: browsers pass over a broken colour profile or text."""
    kept = [data[:8]]
    at = 8
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        after = at + 12 + length
        if name[:1].isupper() or name == b"tRNS":
            kept.append(data[at:after])
        at = after
    return b"".join(kept)


def _check_tiles(image: Image.Image) -> None:
    """Refuse a TIFF whose tiles, decoded one at a time, are far larger than the picture."""
    tags = getattr(image, "tag_v2", {})
    width, height = tags.get(322, 0), tags.get(323, 0)
    if width * height > 4 * max(image.width * image.height, 1 << 20):
        raise UnreadablePicture(f"its tiles of {width} x {height} are larger than the picture")


def _scale_transparent_colour(image: Image.Image, bits: int) -> None:
    """Bring a PNG's transparent colour to 8 bits, as Pillow does with the pixels but not with the colour."""
    key = image.info.get("transparency")
    if image.mode == "L" and isinstance(key, int):
        image.info["transparency"] = key * 255 // (2**bits - 1)
    elif image.mode == "RGB" and bits == 16 and isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)


def _upright(image: Image.Image) -> Image.Image:
    for key in ("xmp", "XML:com.adobe.xmp"):  # where Pillow would look, and browsers don't
        image.info.pop(key, None)
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 (broken metadata raise anything, and hide no pixels)
        orientation = None
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _too_large(limits: Limits, error: Image.DecompressionBombError) -> str:
    pixels = re.search(r"(\d+) pixels", str(error))
    size = f"{int(pixels[1]) / 1e6:.4g} megapixels" if pixels else "too many pixels"
    return f"{size}, over the limit of {limits.megapixels:g}"


def _reason(kind: str, data: bytes, limits: Limits, error: Exception) -> str:
    """Say in words why a reader failed."""
    if kind in {"AVIF", "HEIF"}:
        width, height = largest_size(data)
        limits.check_pixels(width, height)
        if kind == "AVIF" and width * height > AVIF_PIXELS:
            return f"{width} x {height} is more than the AVIF decoder takes"
    if _METADATA_BOMB.search(str(error)):
        return "its metadata are larger than any picture needs: written to exhaust memory, or damaged"
    if _CUT_OFF.search(str(error)) or is_cut_off(kind, data):
        return "the file is cut off"
    return f"its {kind} data are damaged, or of a kind that can't be read here"
