"""Each yaml file of the configuration is read once, however many runs are composed."""

from __future__ import annotations

import copy
import functools
from typing import Any


def read_each_file_once(loader: Any) -> None:
    """Hydra reads and parses every yaml file again for each run that it composes; here the first result is copied."""
    load = functools.lru_cache(maxsize=None)(loader.repository.load_config)
    loader.repository.load_config = lambda config_path: copy.deepcopy(load(config_path))
