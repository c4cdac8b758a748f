"""The card of a made-up run: how its state was chosen, its numbers with intervals, and no markup of others'."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from robustft.report.card.exported_model import ExportedModel
from robustft.report.card.model_card import model_card
from robustft.study.records.condition import Condition
from robustft.study.records.gate import Gate
from robustft.study.records.record import Record
from robustft.study.run import Run

HOSTILE = '</script> | `x` [a](b)\n# h\n---\n- "q" \x1b[2J'
CONTENT: dict[str, Any] = {
    "identity": {
        "attack": {"pgd": {"_target_": "robustft.attacks.Pgd", "steps": 15}},
        "backbone": {"name": "resnet18.a1_in1k"},
    },
    "contents": {},
    "attacks": {"5e77145a": {"attack": "Pgd", "steps": 15, "step_size_255": None}},
    "run_id": "0123456789ab",
    "dataset": "pets",
    "backbone": "timm",
    "method": "lora",
    "seed": 3,
    "parameters": {"total": 1000, "trainable": 50, "head": 10},
    "versions": {"torch": "2.9.0"},
    "git_commit": "abc",
    "status": "finished",
    "validation_rows": [0],
}
CORRECT = {0: (50, 10), 7: (80, 40), 9: (90, 40), 12: (90, 30)}
"""Step -> clean and robust, of 100 validation and of 1,000 test images (ten times as many)."""


def record(step: int, split: str, name: str, correct: int, total: int, **changes: Any) -> Record:
    attacked = name == "clean" or not name.startswith("ood:")
    threat = {"norm": "linf", "eps": 8 / 255, "settings": "5e77145a"} if attacked and name != "clean" else {}
    condition = Condition.recorded(split=split, name=name, **{**threat, **changes.pop("threat", {})})
    fields = {"seconds": 1, "forward_passes": 1, "backward_passes": 0, "time": "2025-01-31T12:00:00+00:00"}
    return Record(
        step=step, epoch=step / 10, condition=condition, correct=correct, total=total, **{**fields, **changes}
    )


def records(*more: Record) -> list[Record]:
    of_steps = [
        record(step, split, name, times * correct, times * 100)
        for step, pair in CORRECT.items()
        for split, times in (("validation", 1), ("test", 10))
        for name, correct in zip(("clean", "pgd"), pair, strict=True)
    ]
    return [*of_steps, record(7, "test", "ood:sketch", 30, 60), *more]


class MadeUp(Run):
    """A run whose records are not in a file."""

    @property
    def records(self):  # type: ignore[override]
        return self.content["records"]


def card(state: str = "peak", step: int = 7, *, more: tuple[Record, ...] = (), **changes: Any) -> str:
    described = {name: changes.pop(name) for name in ("architecture", "crop_mode", "rounded") if name in changes}
    run = MadeUp(Path("run"), {**CONTENT, "records": records(*more), **changes})
    model = ExportedModel(
        **{
            "state": state,
            "step": step,
            "architecture": "resnet18",
            "resolution": 64,
            "mean": (0.485, 0.456, 0.406),
            "std": (0.229, 0.224, 0.225),
            "crop_mode": "squash",
            "compared": 256,
            "largest": 1.4e-6,
            "outcomes": 1000,
            "rounded": 0,
            "versions": {"torch": "2.10.0"},
            "command": "python -m robustft export run=run",
            **described,
        }
    )
    return model_card(run, model, command="python -m robustft method=lora")


def test_numbers_are_of_the_test_images_with_wilsons_intervals():
    text = card()
    assert "| clean | clean | 80.0 | 77.4 to 82.4 | 800 of 1,000 |" in text
    assert "| robust (main attack) | pgd, linf, eps 8/255 | 40.0 | 37.0 to 43.1 | 400 of 1,000 |" in text
    assert "| OOD | ood:sketch | 50.0 | 37.7 to 62.3 | 30 of 60 |" in text
    assert text.count("\n| ") == 1 + 1 + 3


@pytest.mark.parametrize(
    ("state", "step", "said"),
    [
        (
            "peak",
            7,
            "the one of the highest robust validation accuracy (on a tie the earlier). It is not on the frontier",
        ),
        (
            "best",
            9,
            "the one of the highest clean validation accuracy (on a tie the more robust one, then the earlier).",
        ),
        ("last", 12, "the one of the most updates, the end of the run. It is not on the frontier"),
        ("9", 9, "`state=9`: it was named by its step; the run measured 4 states. It is on the frontier of clean and "),
    ],
)
def test_how_it_was_chosen_and_among_how_many(state, step, said):
    text = card(state, step)
    assert said in text
    assert "4 states" in text
    assert ("and the run's best state." in text) == (state == "9")
    clean = CORRECT[step][0]
    assert f"On the 100 validation images: clean {clean:.1f} % (" in text


def test_attacks_have_their_settings_and_sizes():
    text = card(more=(record(7, "test", "pgd", 100, 1000, threat={"eps": 2 / 255}),))
    assert "- pgd: Pgd, steps 15; size linf 8/255, linf 2/255\n" in text
    assert "| robust | pgd\\@2, linf, eps 2/255 | 10.0 |" in text


def test_failed_gates_are_named_and_none_is_said():
    gates = (
        Gate(name="more_steps", passed=False, figures={"robust": 0.4}),
        Gate(name="noise", passed=True, figures={}),
    )
    strong = record(7, "test", "autoattack", 300, 1000, gates=gates, notes=("weakened",))
    text = card(more=(strong,))
    assert "gates: 1 of 2 passed" in text
    assert "- gate failed: more_steps (robust 0.4): autoattack on test, step 7" in text
    assert "\n- weakened\n" in text
    assert "No attack at this state was one that gates are checked for" in card()
    assert "gate failed" not in card("best", 9, more=(strong,))


def test_the_hub_reads_the_front_matter():
    front = yaml.safe_load(card().split("---\n")[1])
    assert (front["library_name"], front["pipeline_tag"]) == ("timm", "image-classification")
    (result,) = front["model-index"][0]["results"]
    assert [(metric["name"], metric["value"]) for metric in result["metrics"]] == [
        ("clean", 0.8),
        ("pgd", 0.4),
        ("ood:sketch", 0.5),
    ]
    assert "base_model" not in front
    from_hub = card(contents={"backbone.pretrained": {"fingerprint": "a"}})
    assert yaml.safe_load(from_hub.split("---\n")[1])["base_model"] == "timm/resnet18.a1_in1k"


def test_how_to_load_is_said_for_each_form():
    assert 'timm.create_model("local-dir:DIR", pretrained=True)' in card()
    program = card(architecture=None)
    assert 'torch.export.load("DIR/model.pt2")' in program
    assert "float32 of shape (N, 3, 64, 64), RGB in [0, 1]" in program
    assert "image.resize((64, 64), Image.Resampling.BILINEAR)" in program
    cropped = card(architecture=None, crop_mode="center")
    assert "ImageOps.fit(image, (64, 64), Image.Resampling.BILINEAR)" in cropped
    assert "from PIL import Image, ImageOps" in cropped


@pytest.mark.parametrize("form", [None, "resnet18"])
@pytest.mark.parametrize("crop_mode", ["squash", "center"])
def test_the_code_is_python(form, crop_mode):
    (code,) = re.findall(r"```python\n(.*?)```", card(architecture=form, crop_mode=crop_mode), flags=re.DOTALL)
    compile(code, "card", "exec")


def test_images_within_rounding_are_counted():
    assert "(1 image comes out otherwise" in card(rounded=1)
    assert "(2 images come out otherwise" in card(rounded=2)


def test_hostile_names_are_neither_markup_nor_other_lines():
    plain, text = card(), card(dataset=HOSTILE, backbone=HOSTILE, method=HOSTILE, git_commit=HOSTILE, run_id=HOSTILE)
    assert text.count("\n## ") == plain.count("\n## ")
    assert re.findall(r"(?m)^#+ ", text) == re.findall(r"(?m)^#+ ", plain)
    assert "</script>" not in text.partition("\n---\n")[2]
    assert "\x1b" not in text
    front = yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))
    assert front["model-index"][0]["results"][0]["dataset"]["name"].startswith("</script> | `x` [a](b) # h --- - ")


def test_a_command_of_others_stays_in_its_line():
    run = MadeUp(Path("run"), {**CONTENT, "records": records()})
    model = ExportedModel(
        state="last",
        step=12,
        architecture=None,
        resolution=8,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        crop_mode="squash",
        compared=1,
        largest=0,
        outcomes=1,
        rounded=0,
        versions={},
        command="python -m robustft export",
    )
    text = model_card(run, model, command="python -m robustft '\n# heading\n```'")
    assert "\n    python -m robustft '\\n# heading\\n```'\n" in text
    assert "\n# heading" not in text
