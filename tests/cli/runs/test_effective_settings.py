"""What run.json says of settings that were left open or had to be replaced."""

from __future__ import annotations

import pytest

from robustft.cli.build import parts_of
from robustft.cli.load import loaded
from robustft.cli.runs.effective_settings import effective_settings
from robustft.training.fine_tune import evaluated_steps
from tests.conf.test_conf import composed


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["method=compacter"], {"method.reduction": 24, "trainer.warmup_steps": 0}),
        (["method=compacter", "method.reduction=8"], {"trainer.warmup_steps": 0}),
        (
            [
                "backbone=timm",
                "backbone.name=vit_tiny_patch16_224",
                "backbone.pretrained=false",
                "+backbone.options.depth=1",
                "backbone.resolution=32",
                "trainer.max_steps=null",
                "trainer.epochs=1",
                "trainer.warmup_steps=3",
            ],
            {"backbone.mean": [0.5] * 3, "backbone.std": [0.5] * 3, "trainer.max_steps": 18},
        ),
    ],
    ids=["compacter", "fits", "timm"],
)
def test_only_what_came_out_otherwise_is_there(words, expected):
    parts = parts_of(composed(*words))
    run = loaded(parts)
    steps = evaluated_steps(parts.schedule, parts.plan, images=len(run.train_rows))
    assert effective_settings(parts, run, steps[-1]) == expected
