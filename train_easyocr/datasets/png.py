"""Patches as PNG files at the least cost: lossless, not compressed.

A patch has about 6,000 pixels. Deflating it takes 60 to 1,000 microseconds, more than decoding its share of the page,
and saves a quarter of the bytes; inflating it costs the trainer as much again in every epoch. Stored, it takes about 10
of either (`python3 -m benchmarks.prepare_dataset` measures both).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"\0\0\0\0IEND" + struct.pack(">L", zlib.crc32(b"IEND"))
GREY, COLOUR = 0, 2
"""Colour types of the header (PNG specification, 11.2.2)."""
HEADER = struct.Struct(">4sLLBBBBB")
ZLIB_HEADER = b"\x78\x01"
STORED = struct.Struct("<BHH")
"""A stored block's head: whether it is the last one, its length, and that length with all bits turned."""
MAX_STORED = 65_535


def encode_png(patch: np.ndarray) -> bytes:
    """Return a PNG file: eight bits, no filter, deflate blocks that are stored (RFC 1951, 3.2.4).

    Args:
        patch: uint8 [height, width], or [height, width, 3] in OpenCV's order; a view will do. Both sides at least 1.
    """
    height, width = patch.shape[:2]
    colour = patch.ndim == 3
    rows = np.zeros((height, 1 + width * (3 if colour else 1)), np.uint8)  # each row starts with its filter: 0, none
    rows[:, 1:] = patch[:, :, ::-1].reshape(height, -1) if colour else patch
    kind = COLOUR if colour else GREY
    header = HEADER.pack(b"IHDR", width, height, 8, kind, 0, 0, 0)
    return b"".join((SIGNATURE, _chunk(header), _chunk(b"IDAT" + _stored(rows.tobytes())), END))


def _stored(content: bytes) -> bytes:
    """Return what `zlib.compress(content, 0)` means, without the buffers that it sets up each time."""
    parts = [ZLIB_HEADER]
    for start in range(0, len(content), MAX_STORED):
        block = content[start : start + MAX_STORED]
        parts += (STORED.pack(start + MAX_STORED >= len(content), len(block), len(block) ^ 0xFFFF), block)
    parts.append(struct.pack(">L", zlib.adler32(content)))
    return b"".join(parts)


def _chunk(content: bytes) -> bytes:
    """Return a chunk: the length of its data, its type and data, and their CRC-32."""
    return struct.pack(">L", len(content) - 4) + content + struct.pack(">L", zlib.crc32(content))
