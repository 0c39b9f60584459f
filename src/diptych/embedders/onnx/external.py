"""Which files beside an export hold its weights: read from the graph itself, which names them.

An export is a protobuf message. Only the few fields that lead to a tensor's `external_data` are looked at, in
place, so that neither the onnx package nor memory for the weights is needed. Field numbers are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10  # bytes
_EXTERNAL = 1
_EXTERNAL_DATA, _DATA_LOCATION, _KEY, _VALUE = 13, 14, 1, 2


@dataclass
class _Message:
    """A kind of message, with the fields in which tensors may be found."""

    fields: Mapping[int, _Message] = field(default_factory=dict)


_TENSOR = _Message()
_SPARSE_TENSOR = _Message({1: _TENSOR, 2: _TENSOR})
_ATTRIBUTE = _Message()
_NODE = _Message({5: _ATTRIBUTE})
_GRAPH = _Message({1: _NODE, 5: _TENSOR, 15: _SPARSE_TENSOR})
_ATTRIBUTE.fields = {
    5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE_TENSOR, 23: _SPARSE_TENSOR,
}  # fmt: skip
_FUNCTION = _Message({7: _NODE, 11: _ATTRIBUTE})
_MODEL = _Message({7: _GRAPH, 25: _FUNCTION})


def external_files(export: Path) -> list[str]:
    """The files that hold an export's weights, as the export names them: sorted, relative to its folder.

    Args:
        export: The `.onnx` file. One that is damaged names what can be read of it: onnxruntime, which is to
            open it next, says what is wrong.
    """
    with export.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # it is empty
            return []
        with data:
            return sorted(set(_locations(data)))


def _locations(data: mmap.mmap) -> Iterator[str]:
    """The files that tensors anywhere in an export name."""
    waiting = [(_MODEL, 0, len(data))]
    while waiting:  # and no recursion: how deep graphs lie in graphs is up to whoever wrote the file
        message, start, end = waiting.pop()
        if message is _TENSOR:
            yield from _location(data, start, end)
            continue
        for number, value in _fields(data, start, end):
            inner = message.fields.get(number)
            if inner is not None and isinstance(value, slice):
                waiting.append((inner, value.start, value.stop))


def _location(data: mmap.mmap, start: int, end: int) -> Iterator[str]:
    """The file that holds one tensor's numbers, where they are not in the export."""
    is_outside, named = False, {}
    for number, value in _fields(data, start, end):
        if number == _DATA_LOCATION:
            is_outside = value == _EXTERNAL
        elif number == _EXTERNAL_DATA and isinstance(value, slice):
            pair = {
                key: data[part]
                for key, part in _fields(data, value.start, value.stop)
                if isinstance(part, slice)
            }
            named[pair.get(_KEY)] = pair.get(_VALUE)
    location = named.get(b"location")
    if is_outside and location:
        yield location.decode("utf-8", "surrogateescape")


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int | slice]]:
    """A message's fields up to the first damage: their numbers, with a value or where their bytes lie."""
    at = start
    while at < end:
        try:
            key, at = _varint(data, at)
            kind = key & 7
            if kind == _VARINT:
                value, at = _varint(data, at)
                yield key >> 3, value
                continue
            size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
            if kind == _BYTES:
                size, at = _varint(data, at)
        except IndexError:
            return
        if size is None or at + size > end:
            return
        yield key >> 3, slice(at, at + size)
        at += size


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    """The number that begins at a place, and the place behind it; raises `IndexError` where there is none."""
    number = 0
    for place in range(_LONGEST_VARINT):
        byte = data[at + place]
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number, at + place + 1
    raise IndexError
