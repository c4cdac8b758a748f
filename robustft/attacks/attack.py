"""What every attack is: settings, and a way to propose adversarial images to a search."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from robustft.attacks.search import Search


@dataclass(frozen=True, kw_only=True)
class Attack(ABC):
    """A procedure with a budget. Subclasses are frozen dataclasses whose fields are its settings.

    An attack only proposes: the search projects every proposal into the threat model, asks the model about it and
    decides itself whether the image is broken.
    """

    @abstractmethod
    def run(self, search: Search) -> None:
        """Propose adversarial images to `search` until the budget is spent or no image is open."""

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name, and which attack they belong to."""
        return {"attack": type(self).__name__, **asdict(self)}

    @property
    def settings_hash(self) -> str:
        """Short hash of the settings: two records are of the same attack if it is the same."""
        canonical = json.dumps(self.settings, sort_keys=True)
        return hashlib.blake2b(canonical.encode(), digest_size=6).hexdigest()
