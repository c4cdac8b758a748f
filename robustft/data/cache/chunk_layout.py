"""Layout of the decoded images of a split in a file: one after the other, in chunks with a checksum each."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass

_CHUNK_BYTES = 8 << 20
_MOST_IMAGES = 256
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class ChunkLayout:
    """`count` images of uint8 (3, resolution, resolution); the last chunk may be shorter than the others."""

    count: int
    resolution: int

    @property
    def image_bytes(self) -> int:
        return 3 * self.resolution**2

    @property
    def total_bytes(self) -> int:
        return self.count * self.image_bytes

    @property
    def chunk_images(self) -> int:
        """About a tenth of a second of decoding: the unit of work of a process, and what a killed build loses."""
        return max(1, min(_MOST_IMAGES, _CHUNK_BYTES // self.image_bytes))

    @property
    def chunks(self) -> int:
        return -(-self.count // self.chunk_images)

    def rows(self, chunk: int) -> range:
        """The images in `chunk`."""
        begin = chunk * self.chunk_images
        return range(begin, min(begin + self.chunk_images, self.count))

    def checksum(self, descriptor: int, chunk: int) -> int | None:
        """CRC-32 of `chunk` in the open file; None if the file is too short. Thread-safe."""
        rows = self.rows(chunk)
        position, end = rows.start * self.image_bytes, rows.stop * self.image_bytes
        # Read rather than mapped, so that the pages do not count as resident memory of this process.
        block = memoryview(bytearray(min(_READ_BYTES, end - position)))
        checksum = 0
        while position < end:
            read = os.preadv(descriptor, [block[: end - position]], position)
            if not read:
                return None
            checksum = zlib.crc32(block[:read], checksum)
            position += read
        return checksum
