"""PDF files in one order: the library that makes them lists fonts and other resources in another order each time."""

from __future__ import annotations

import re

_ENTRY = re.compile(rb"/[^\s/]+ \d+ 0 R")
_REFERENCE = re.compile(rb"\b(\d+) 0 R\b")


def in_one_order(pdf: bytes) -> bytes:
    """The same document, whatever the order in which the library wrote its objects and resources.

    pdf: with a plain table of cross-references, as vl_convert writes it.

    Raises:
        ValueError: if it has no such table.
    """
    objects, trailer = _parsed(pdf)
    sorted_objects = {number: _with_sorted_resources(content) for number, content in objects.items()}
    order: list[int] = []
    _visit(trailer, sorted_objects, order)
    places = {number: place for place, number in enumerate(order, start=1)}

    def renumbered(content: bytes) -> bytes:
        head, stream, data = content.partition(b"stream\n")
        return _REFERENCE.sub(lambda match: b"%d 0 R" % places[int(match[1])], head) + stream + data

    written = bytearray(pdf[: pdf.index(b"\n", pdf.index(b"\n") + 1) + 1])  # the version and the mark of binary files
    starts = []
    for number in order:
        starts.append(len(written))
        written += b"%d 0 obj" % places[number] + renumbered(sorted_objects[number])
    table = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f\r\n" % (len(order) + 1)
    written += b"".join(b"%010d 00000 n\r\n" % start for start in starts)
    written += renumbered(re.sub(rb"/Size \d+", b"/Size %d" % (len(order) + 1), trailer))
    return bytes(written + b"startxref\n%d\n%%%%EOF" % table)


def _parsed(pdf: bytes) -> tuple[dict[int, bytes], bytes]:
    """(number -> what follows `obj`, the trailer)."""
    end = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*$", pdf)
    if end is None or not pdf.startswith(b"xref", int(end[1])):
        raise ValueError("pdf must have a plain table of cross-references, got none")
    table = int(end[1])
    trailer = pdf.index(b"trailer", table)
    starts = sorted(int(line[1]) for line in re.finditer(rb"(\d{10}) \d{5} n", pdf[table:trailer]))
    objects = {}
    for start, following in zip(starts, [*starts[1:], table], strict=True):
        number, content = pdf[start:following].split(b" 0 obj", 1)
        objects[int(number)] = content
    return objects, pdf[trailer : end.start()]


def _with_sorted_resources(content: bytes) -> bytes:
    """With the entries of every dictionary of resources in the order of their names."""
    head, stream, data = content.partition(b"stream\n")
    lines = head.split(b"\n")
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and _ENTRY.fullmatch(lines[end].strip()):
            end += 1
        lines[start:end] = sorted(lines[start:end])
        start = end + 1
    return b"\n".join(lines) + stream + data


def _visit(trailer: bytes, objects: dict[int, bytes], order: list[int]) -> None:
    """Appends the numbers of all objects in the order in which the document refers to them."""
    seen: set[int] = set()
    waiting = [int(match[1]) for match in reversed(list(_REFERENCE.finditer(trailer)))]
    while waiting:
        number = waiting.pop()
        if number not in seen:
            seen.add(number)
            order.append(number)
            head = objects[number].partition(b"stream\n")[0]
            waiting += [int(match[1]) for match in reversed(list(_REFERENCE.finditer(head)))]
