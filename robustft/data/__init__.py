"""Data sets: sources of images, decoded to uint8; splits and batch order are pure functions of a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.public_names import door

if TYPE_CHECKING:
    from robustft.data.archives.archive import Archive as Archive
    from robustft.data.archives.caltech import CaltechArchive as CaltechArchive
    from robustft.data.archives.cifar import CifarArchive as CifarArchive
    from robustft.data.archives.cub import CubArchive as CubArchive
    from robustft.data.archives.domainnet import DomainNetArchive as DomainNetArchive
    from robustft.data.dataset import Dataset as Dataset
    from robustft.data.dataset import Images as Images
    from robustft.data.pretexts.jigsaw import Jigsaw as Jigsaw
    from robustft.data.pretexts.pretext import Pretext as Pretext
    from robustft.data.pretexts.pretext_source import PretextSource as PretextSource
    from robustft.data.pretexts.rotation import Rotation as Rotation
    from robustft.data.source import Source as Source
    from robustft.data.sources.digits import Digits as Digits
    from robustft.data.sources.domain_folder import DomainFolder as DomainFolder
    from robustft.data.sources.folder import Folder as Folder
    from robustft.data.sources.parquet import Parquet as Parquet
    from robustft.data.sources.published import Published as Published

__getattr__ = door(
    __name__,
    {
        "Archive": "archives.archive",
        "CaltechArchive": "archives.caltech",
        "CifarArchive": "archives.cifar",
        "CubArchive": "archives.cub",
        "Dataset": "dataset",
        "Digits": "sources.digits",
        "DomainFolder": "sources.domain_folder",
        "DomainNetArchive": "archives.domainnet",
        "Folder": "sources.folder",
        "Images": "dataset",
        "Jigsaw": "pretexts.jigsaw",
        "Parquet": "sources.parquet",
        "Pretext": "pretexts.pretext",
        "PretextSource": "pretexts.pretext_source",
        "Published": "sources.published",
        "Rotation": "pretexts.rotation",
        "Source": "source",
    },
)
