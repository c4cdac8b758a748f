"""python -m robustft pretrain: make the lab's backbone again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from robustft.cli.user_errors import command, naming
from robustft.pretraining.glyph_vit import Pretraining


@command
def run(config: DictConfig) -> None:
    """Trains on rendered letters and writes the weights to `config.output`."""
    settings: dict[str, Any] = {str(key): value for key, value in OmegaConf.to_container(config, resolve=True).items()}  # type: ignore[union-attr]
    output = Path(str(settings.pop("output")))
    with naming(""):
        Pretraining(**settings).run(output)
