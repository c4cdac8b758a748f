"""The runs of studies, each directory once: where they are, what they are called, how they are made again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from robustft.study.plain_file import DamagedFile, plain_line
from robustft.study.run import runs_below
from robustft.study.run_command import printable_command
from robustft.study.run_directories import run_directories
from robustft.study.study_file import read_study


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run is.

    name: its directory below the study's; no other run's of the collection.
    overrides: the words that a study makes it with; None: no study lists it.
    root: the index of the first root that it is in.
    """

    name: str
    directory: Path
    root: int = 0
    overrides: tuple[str, ...] | None = None

    @property
    def command(self) -> str | None:
        """What makes it again, quoted for a shell; None where no study lists it, or with what moves a cursor."""
        return None if self.overrides is None else printable_command(self.overrides)

    def override(self, key: str) -> str | None:
        """The value of `key` in the overrides."""
        return dict(word.split("=", 1) for word in self.overrides or () if "=" in word).get(key)


@dataclass(frozen=True, kw_only=True)
class Collection:
    """title: the names of the studies; places: by name; warnings: a line for every study.json that cannot be read."""

    title: str
    places: tuple[Place, ...]
    warnings: tuple[str, ...]


def collect(roots: Sequence[Path]) -> Collection:
    """The runs in and below `roots`: directories of runs, of studies or of parts of one, or with many of these.

    A directory that is in several of them counts once.

    >>> collect([Path("nowhere")]).places
    ()
    """
    places: dict[str, Place] = {}
    names: dict[str, list[str]] = {}
    titles: dict[str, None] = {}
    warnings: list[str] = []
    for index, root in enumerate(roots):
        try:
            found = run_directories(root)
            runs, studies = found.runs, found.studies
        except DamagedFile as error:  # the runs are there all the same
            warnings.append(f"a study's list of runs is left out: {error}")
            runs, studies = tuple(run.directory for run in runs_below(root)), ()
        base = next((study for study in studies if _is_below(root, study)), root)
        titles[_printable(base.absolute().name)] = None
        overrides = _overrides(studies)
        for directory in runs:
            real = os.path.realpath(directory)
            names.setdefault(real, _names(directory, base))
            places.setdefault(real, Place(name="", directory=directory, root=index, overrides=overrides.get(real)))
    named = [replace(place, name=name) for place, name in zip(places.values(), _different(names.values()), strict=True)]
    return Collection(
        title=", ".join(titles),
        places=tuple(sorted(named, key=lambda place: place.name)),
        warnings=tuple(dict.fromkeys(plain_line(warning) or "" for warning in warnings)),
    )


def _overrides(studies: Iterable[Path]) -> Mapping[str, tuple[str, ...]]:
    """By the real path of the directory, for every run that a study lists."""
    return {os.path.realpath(run.directory): run.overrides for study in studies for run in read_study(study)}


def _names(directory: Path, base: Path) -> list[str]:
    """What the run may be called, the shortest first: below the study, with its name, and by its whole path."""
    whole, above = directory.absolute(), base.absolute()
    inside = os.path.relpath(whole, above)
    if inside == os.curdir or inside.startswith(os.pardir):  # it is itself the root, or listed by a study elsewhere
        inside = os.path.join(*whole.parts[-4:])
    return [_printable(name) for name in (inside, os.path.join(above.name, inside), str(whole), ascii(str(whole)))]


def _different(names: Iterable[list[str]]) -> list[str]:
    """One of each list, the earliest place from which on no two are the same."""
    names = list(names)
    chosen = [0] * len(names)
    for _ in range(3):
        counts = Counter(of_one[place] for of_one, place in zip(names, chosen, strict=True))
        chosen = [
            place + (counts[of_one[place]] > 1 and place + 1 < len(of_one))
            for of_one, place in zip(names, chosen, strict=True)
        ]
    shown = [of_one[place] for of_one, place in zip(names, chosen, strict=True)]
    seen: Counter[str] = Counter()
    for index, name in enumerate(shown):
        seen[name] += 1
        if seen[name] > 1:
            shown[index] = f"{name} ({seen[name]})"
    return shown


def _is_below(path: Path, directory: Path) -> bool:
    return path.absolute().is_relative_to(directory.absolute())


def _printable(text: str) -> str:
    """A path as a text of one line, whole."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
