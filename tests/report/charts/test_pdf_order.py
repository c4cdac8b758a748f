from __future__ import annotations

import re

import pytest

from robustft.report.charts.pdf_order import in_one_order

# A page with two fonts; the first one's object holds what looks like an object in its stream.
FONTS = {"one": b"stream\n5 0 obj endobj 1 0 R\nendstream", "two": b"stream\n\xff\nendstream"}


def _document(order: list[str]) -> bytes:
    """The same document with its fonts' objects and names in this order."""
    numbers = {name: 3 + place for place, name in enumerate(order)}
    resources = "".join(f"      /{name} {numbers[name]} 0 R\n" for name in order).encode()
    objects = {
        1: b"\n<<\n  /Pages 2 0 R\n>>\nendobj\n\n",
        2: b"\n<<\n  /Font <<\n" + resources + b"    >>\n>>\nendobj\n\n",
        **{numbers[name]: b"\n<<\n  /Length 5\n>>\n" + FONTS[name] + b"\nendobj\n\n" for name in order},
    }
    written, starts = b"%PDF-1.7\n%\x80\x80\n\n", {}
    for number in sorted(objects):
        starts[number] = len(written)
        written += b"%d 0 obj" % number + objects[number]
    table = len(written)
    written += b"xref\n0 5\n0000000000 65535 f\r\n" + b"".join(b"%010d 00000 n\r\n" % starts[n] for n in sorted(starts))
    return written + b"trailer\n<<\n  /Size 5\n  /Root 1 0 R\n>>\nstartxref\n%d\n%%%%EOF" % table


def test_the_order_of_objects_and_resources_does_not_matter() -> None:
    assert _document(["one", "two"]) != _document(["two", "one"])
    assert in_one_order(_document(["one", "two"])) == in_one_order(_document(["two", "one"]))


def test_cross_references_lead_to_their_objects_and_streams_stay_as_they_are() -> None:
    pdf = in_one_order(_document(["two", "one"]))
    table = int(re.findall(rb"startxref\n(\d+)", pdf)[0])
    assert pdf[table:].startswith(b"xref")
    starts = [int(start) for start in re.findall(rb"(\d{10}) 00000 n", pdf[table:])]
    assert [pdf[start:].split(b" ", 1)[0] for start in starts] == [b"1", b"2", b"3", b"4"]
    for stream in FONTS.values():
        assert stream in pdf


def test_a_file_in_one_order_stays_as_it_is() -> None:
    once = in_one_order(_document(["two", "one"]))
    assert in_one_order(once) == once


def test_a_file_without_a_plain_table_is_refused() -> None:
    with pytest.raises(ValueError, match="cross-references"):
        in_one_order(b"%PDF-1.7\n")
