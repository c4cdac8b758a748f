"""The methods that tests of several rooms walk over."""

from __future__ import annotations

from hydra.utils import instantiate
from omegaconf import OmegaConf

from robustft.cli.command_line.groups import choices, conf_dir
from robustft.methods.method import Method

METHODS: dict[str, Method] = {
    name: instantiate(OmegaConf.load(conf_dir() / "method" / f"{name}.yaml").method, _convert_="all")
    for name in choices("method")
}
"""conf/method/NAME.yaml, built, by name."""

FREE_OF_BLOCKS = {name: method for name, method in METHODS.items() if not method.needs_blocks}
"""Those that work with every backbone."""
