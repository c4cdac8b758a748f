"""What an attack says that it costs at most is what it costs where nothing is broken."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor, nn

from robustft.attacks.attack import Attack, BatchAttack
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.engine.search import Search
from robustft.attacks.passes import Passes
from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.cli.build import build
from robustft.cli.command_line.groups import choices, conf_dir

IMAGES, CLASSES = 4, 10
SHORT = {"iterations": 6, "queries": 40}


class Sure(nn.Module):
    """Right about class 0 whatever the pixels are, with gradients that are not zero."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1e-3), requires_grad=False)

    def forward(self, pixels: Tensor) -> Tensor:
        flat = pixels.flatten(1)
        others = flat[:, : CLASSES - 1] * torch.arange(1, CLASSES) * self.scale
        return torch.cat([50 + self.scale * flat.mean(1, keepdim=True), others], 1)


def every_attack() -> dict[str, Attack]:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = compose("train", overrides=[f"attack=[{','.join(choices('attack'))}]"])
    built = {name: build(config, f"attack.{name}", without=("when",)) for name in choices("attack")}
    return {
        name: replace(attack, **{key: SHORT[key] for key in SHORT if key in [field.name for field in fields(attack)]})
        for name, attack in built.items()
    }


EVERY = every_attack()


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("name", EVERY)
def test_every_attack_makes_the_passes_of_its_budget_where_it_breaks_nothing(name: str, norm: str) -> None:
    attack = EVERY[name]
    budget = attack.budget(CLASSES, norm)
    assert budget is not None
    assert budget.forward >= 1
    if isinstance(attack, BatchAttack):
        return  # another library's passes
    pixels = torch.rand(IMAGES, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    search = Search(
        network=Network(model=Sure(), most=IMAGES),
        fetch=lambda rows: (pixels[rows], torch.zeros(len(rows), dtype=torch.int64)),
        threat_model=ThreatModel(norm=norm, eps_255={"linf": 8, "l2": 50, "l1": 500}[norm]),
        seed=0,
        slots=IMAGES,
    )
    result = search.run(attack, torch.arange(IMAGES))
    assert not result.broken.any()
    assert result.backward_passes / IMAGES == pytest.approx(budget.backward, rel=0.05)
    assert result.forward_passes / IMAGES == pytest.approx(budget.forward, rel=0.1, abs=4)


def test_a_budget_counts_every_restart() -> None:
    assert Pgd(steps=10, restarts=3).budget(CLASSES, "linf") == Passes(forward=33, backward=30)
    assert Pgd().stops_early
    assert not Pgd(success="last").stops_early
