"""Pre-training of glyph_vit: a small ViT that classifies rendered letters, so that the lab needs no download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from robustft import interruption
from robustft.atomic_write import write_whole
from robustft.attacks.verdict import classified_correctly
from robustft.backbones.timm_model import TimmModel
from robustft.checks import keep, number, one_of, whole_number
from robustft.device import ACCELERATORS, torch_device
from robustft.divergence import Diverged
from robustft.lazy_torch import torch
from robustft.pretraining.glyphs import CLASSES, RESOLUTION, Glyphs

if TYPE_CHECKING:
    from robustft.backbones.pixel_model import PixelModel

TEST_SEED = 2**63 - 1  # of the test letters, the same for every run; no run may train on them
REPORTS = 10  # printed lines during training


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """Settings of the recipe; the defaults are those of the glyph_vit that ships with robustft.

    steps: updates, each on new letters.
    batch_size: letters per update.
    learning_rate: the peak of one cycle (Smith and Topin, 2018); weight_decay: AdamW's, decoupled.
    label_smoothing: share of the target that is spread over all classes, in [0, 1).
    seed: of the initial weights, the letters and their distortions.
    accelerator: `auto`, `cpu`, `gpu` or `mps`; minutes on a GPU, hours on a CPU.
    test_letters: number of letters that the test accuracy is measured on.
    """

    steps: int = 14_000
    batch_size: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    seed: int = 0
    accelerator: str = "auto"
    test_letters: int = 8192

    def __post_init__(self) -> None:
        keep(
            self,
            steps=whole_number("steps", self.steps, at_least=1),
            batch_size=whole_number("batch_size", self.batch_size, at_least=1),
            learning_rate=number("learning_rate", self.learning_rate, above=0),
            weight_decay=number("weight_decay", self.weight_decay, at_least=0),
            label_smoothing=number("label_smoothing", self.label_smoothing, at_least=0, below=1),
            seed=whole_number("seed", self.seed, at_least=0, at_most=TEST_SEED - 1),
            accelerator=one_of("accelerator", self.accelerator, ACCELERATORS),
            test_letters=whole_number("test_letters", self.test_letters, at_least=1),
        )

    def run(self, output: Path) -> float:
        """Trains, printing the test accuracy during training, and writes the weights to `output`, atomically.

        Returns:
            The test accuracy, in [0, 1].

        Raises:
            ValueError: if `output` cannot be a safetensors file; before training.
            Diverged: if the loss is no longer finite.
        """
        from safetensors.torch import save

        output = Path(output)
        if output.suffix != ".safetensors" or output.is_dir():
            raise ValueError(f"output must be a file whose name ends in .safetensors, got {str(output)!r}")
        device = torch_device(self.accelerator)
        output.parent.mkdir(parents=True, exist_ok=True)  # fails before the training, not after it
        model = glyph_vit(seed=self.seed).to(device)
        accuracy = self.train(model)
        weights = {name: value.cpu().contiguous() for name, value in model.network.state_dict().items()}
        write_whole(output, save(weights))
        print(f"{100 * accuracy:.1f} % of {self.test_letters:,} test letters correct; weights in {output}")
        return accuracy

    def train(self, model: PixelModel) -> float:
        """Trains `model` on its device and returns its test accuracy, in [0, 1]."""
        optimizer = torch.optim.AdamW(model.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        glyphs = Glyphs(seed=self.seed, device=str(model.mean.device))
        report_every = max(1, self.steps // REPORTS)
        model.train()
        # No bar where standard error is not a terminal, for example in the log of a cluster job.
        for step in tqdm(range(1, self.steps + 1), desc="pretrain", unit="step", dynamic_ncols=True, disable=None):
            interruption.check()
            pixels, labels = glyphs.batch(self.batch_size)
            loss = torch.nn.functional.cross_entropy(model(pixels), labels, label_smoothing=self.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % report_every == 0 or step == self.steps:
                if not loss.isfinite():
                    raise Diverged(f"learning_rate may be too high: the loss is {loss} at step {step}")
                accuracy = letter_accuracy(model, letters=self.test_letters)
                tqdm.write(f"step {step:>6}   loss {loss:.3f}   test letters {100 * accuracy:5.1f} %")
        return accuracy


def glyph_vit(*, seed: int) -> PixelModel:
    """The network that the recipe trains, with random weights: 28 px, patch 4, width 96, depth 4, 3 heads."""
    return TimmModel(
        name="vit_tiny_patch16_224",
        pretrained=False,
        resolution=RESOLUTION,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        options={"patch_size": 4, "embed_dim": 96, "depth": 4, "num_heads": 3},
    ).build(classes=len(CLASSES), seed=seed)


def letter_accuracy(model: PixelModel, *, letters: int) -> float:
    """Accuracy, in [0, 1], of `model`, (N, 3, 28, 28) to 41 logits, on that many test letters."""
    glyphs = Glyphs(seed=TEST_SEED, device=str(model.mean.device))
    correct = 0
    model.eval()
    with torch.no_grad():
        for first in range(0, letters, 512):
            pixels, labels = glyphs.batch(min(512, letters - first))
            correct += int(classified_correctly(model(pixels), labels).sum())
    model.train()
    return correct / letters
