from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from robustft.data.archives.domainnet import DomainNetArchive
from robustft.data.errors import DataError
from robustft.data.sources.published import Published
from tests.data import written_archives


def source(root: Path, domain: str | None = "real") -> Published:
    return Published(path=root, archive=DomainNetArchive(), name="domainnet", domain_column="domain", source=domain)


@pytest.mark.parametrize("domain", written_archives.DOMAINS)
def test_one_domain_is_trained_on_and_every_other_is_out_of_distribution(tmp_path: Path, domain: str) -> None:
    found = source(written_archives.domainnet(tmp_path, classes=3), domain)
    assert found.name == f"domainnet-{domain}"
    data = found.load(2)
    assert data.classes == ("thing_0", "thing_1", "thing_2")
    others = [name for name in written_archives.DOMAINS if name != domain]
    assert list(data.ood) == others
    number = written_archives.DOMAINS.index(domain)
    for images, green, blue in [
        (data.train, number, 0),
        (data.test, number, 200),
        *((data.ood[name], written_archives.DOMAINS.index(name), 200) for name in others),
    ]:
        assert images.labels.tolist() == [0, 1, 2]
        assert np.array_equal(images.pixels[:, :, 0, 0], [[label, green, blue] for label in range(3)])


def test_only_what_is_used_is_needed(tmp_path: Path) -> None:
    written_archives.domainnet(tmp_path, classes=2)
    files = source(tmp_path).files()
    assert len(files) == 1 + 6 + 2 + 6 * 2
    for file in tmp_path.rglob("*.jpg"):
        if file not in files.values():
            file.unlink()
    assert source(tmp_path).load(2).train.labels.tolist() == [0, 1]


def test_a_class_that_the_source_never_saw_counts_as_wrong_and_is_told(tmp_path: Path) -> None:
    written_archives.domainnet(tmp_path, classes=3)
    lines = (tmp_path / "painting_train.txt").read_text().splitlines()
    (tmp_path / "painting_train.txt").write_text("\n".join(lines[:2]))
    with pytest.warns(UserWarning, match="thing_2; they count as wrong"):
        data = source(tmp_path, "painting").load(2)
    assert len(data.classes) == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("real/thing_0/../../secret.png 0", r"real_test\.txt must name files inside"),
        ("real/thing_0/1.png x", r"real_test\.txt must have whole numbers below a million, got 'x'$"),
        ("real/thing_0/1.png -1", r"got '-1'$"),
        ("real/thing_0/1.png 1", r"gives the label 1 to both thing_1 and thing_0$"),
        ("real/1.png 1", r"lists real/1\.png, which is not DOMAIN/CLASS/IMAGE$"),
        ("word", r"real_test\.txt must have two fields in every line, but line 3 is 'word'$"),
    ],
)
def test_lists_that_do_not_fit(tmp_path: Path, line: str, message: str) -> None:
    written_archives.domainnet(tmp_path, classes=2)
    file = tmp_path / "real_test.txt"
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(DataError, match=message):
        source(tmp_path).load(2)


def test_a_domain_whose_images_are_not_there(tmp_path: Path) -> None:
    shutil.rmtree(written_archives.domainnet(tmp_path, classes=2) / "sketch")
    with pytest.raises(DataError, match=r"test split of sketch: 2 of 2 images do not decode; .*No such file"):
        source(tmp_path).load(2)


def test_domains_that_no_condition_can_hold_are_named(tmp_path: Path) -> None:
    written_archives.domainnet(tmp_path, classes=2, domains=("real", "style: sketch"))
    with pytest.raises(DataError, match=r"^path .* has a domain 'style: sketch', but its name must "):
        DomainNetArchive().files(tmp_path, "real")


def test_gaps_between_labels_are_no_classes(tmp_path: Path) -> None:
    written_archives.domainnet(tmp_path, classes=2)
    for file in tmp_path.glob("*.txt"):
        file.write_text(file.read_text().replace(" 0\n", " 3\n").replace(" 1\n", " 900000\n"))
    with pytest.warns(UserWarning, match=r"has only 2 of the numbers from 0 .* only these are classes: 3, 900000$"):
        data = source(tmp_path).load(4)
    assert data.classes == ("thing_0", "thing_1")
    assert data.train.labels.tolist() == data.ood["sketch"].labels.tolist() == [0, 1]
