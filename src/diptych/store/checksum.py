"""Whether a stored vector is what was put: disks lose bits, copies are cut short, files are edited."""

from __future__ import annotations

import zlib


def checksum(item: bytes, vector: bytes) -> int:
    """The CRC-32 of what a vector is of and of the vector, 0 to 2^32 - 1."""
    return zlib.crc32(vector, zlib.crc32(item))


def is_sound(item: bytes, vector: bytes, expected: int | None) -> bool:
    """Whether a vector is what was put; of one from before there were checksums, whether it can be one."""
    if expected is None:
        return len(vector) > 0 and len(vector) % 4 == 0
    return checksum(item, vector) == expected
