"""`--help`: what the commands do, the choices of every group, and the keys of a command with the comments of conf/."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from robustft.cli.command_line.groups import PARTS, choices, conf_dir
from robustft.cli.command_line.yaml_comments import yaml_comments

COMMANDS = """\
robustft: fine-tune a pre-trained vision model, measure accuracy, adversarial robustness and out-of-distribution
accuracy all along the way, and draw the trade-off curve.

  python -m robustft [train|evaluate|report|export|status|plan|sync|data|pretrain] key=value ...

  train      one run (the default): python -m robustft method=lora dataset=cifar10 dataset.path=DIR
             a sweep:               python -m robustft -m 'method=glob(*)' seed=0,1
             a study:               python -m robustft study=lab [hydra/launcher=joblib|slurm hydra.launcher.KEY=...]
  evaluate   measure saved states again and compare with the records: run=DIR [states=best|last|all|frontier|STEP]
             or add to them: attack=[autoattack], threat_model.eps_255=4, shift=[stl10], suite.corruptions=all
  report     which method of a study, how sure, printed and as a page: run=DIR; studies together: run=[A,B] output=DIR
             which state to take: choose.robust_at_least=0.2 choose.best=clean; of a single run, its table and curve
  export     write a state to use anywhere, with timm or torch alone, and its model card: run=DIR state=best output=DIR
  status     how far a study or a run is: run=DIR [json=true|watch=10]
  plan       what it would cost, starting nothing: study=paper [plan.jobs=32 plan.measure=true json=true]
  sync       send what runs have kept offline to W&B: run=DIR
  data       get data set and weights ahead for machines without network, and look at them: dataset=domainnet ...
  pretrain   make the lab's backbone again

--cfg job shows the configuration that a command line composes, --help after a command its keys.
"""

_WIDTH = 120
_COMMENT_COLUMN = 32


def help_text(command: str, words: Sequence[str], *, config_dir: str | None = None, resolve: bool = False) -> str:
    """The help of `command`, with the keys of the configuration that `words` choose.

    config_dir: the user's own configuration directory; resolve: whether references to other keys are replaced.
    """
    directories = [conf_dir(), *([Path(config_dir).absolute()] if config_dir else [])]
    overrides = [*words, *(f"hydra.searchpath=[file://{path}]" for path in directories[1:])]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config: Any = OmegaConf.to_container(compose(command, overrides=overrides), resolve=resolve)
        loader = GlobalHydra.instance().config_loader()
        files = loader.compute_defaults_list(command, overrides, RunMode.RUN).defaults
    comments: dict[str, str] = {}
    for file in files:
        path = next((path for path in _places(directories, str(file.config_path)) if path.is_file()), None)
        if path is not None and not str(file.package).startswith("hydra"):
            group = str(file.config_path).rpartition("/")[0]
            comments |= yaml_comments(path.read_text(encoding="utf-8"), package=file.package or "", group=group)
    names = {path.name for directory in directories for path in directory.iterdir() if path.is_dir()}
    groups = [f"{name}: {', '.join(choices(name))}" for name in sorted(names - {*PARTS}) if choices(name)]
    keys = _lines(config, comments, "", 0)
    return "\n".join([COMMANDS, "Choices (group=option)\n", *groups, "\nKeys (key=value) and their defaults\n", *keys])


def _places(directories: Sequence[Path], name: str) -> Iterator[Path]:
    return (directory / f"{name}.yaml" for directory in directories)


def _lines(node: Mapping[str, Any], comments: Mapping[str, str], prefix: str, indent: int) -> Iterator[str]:
    """The keys of `node` as YAML, each with its comment, without `_target_`."""
    for key, value in node.items():
        name = f"{prefix}{key}"
        if key == "_target_":
            continue
        opens = isinstance(value, dict) and any(comment.startswith(f"{name}.") for comment in comments)
        has_no_keys = isinstance(value, dict) and [*value] == ["_target_"]
        text = "" if opens or has_no_keys else f" {_flow(value)}"
        yield from _commented(f"{' ' * indent}{key}:{text}", comments.get(name, ""))
        if opens:
            yield from _lines(value, comments, f"{name}.", indent + 2)


def _flow(value: Any) -> str:
    """A value in one line of YAML; text as it is written on a command line."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if key != "_target_"}
    return yaml.safe_dump([value], default_flow_style=True, sort_keys=False, width=10**6).strip()[1:-1]


def _commented(line: str, comment: str) -> Iterator[str]:
    """The line with the comment behind it, wrapped."""
    if not comment:
        yield line
        return
    column = max(_COMMENT_COLUMN, len(line) + 2)
    first, *more = textwrap.wrap(comment, max(30, _WIDTH - column - 2))
    yield f"{line:<{column}}# {first}"
    for text in more:
        yield f"{'':<{column}}# {text}"
