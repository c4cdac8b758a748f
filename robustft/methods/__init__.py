"""Fine-tuning methods: which parameters of a backbone are trained. The only room that imports `adapters`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.public_names import door

if TYPE_CHECKING:
    from robustft.methods.bitfit import BitFit as BitFit
    from robustft.methods.bottleneck_adapter import BottleneckAdapter as BottleneckAdapter
    from robustft.methods.bottleneck_adapter import ParallelBottleneck as ParallelBottleneck
    from robustft.methods.compacter import Compacter as Compacter
    from robustft.methods.full import Full as Full
    from robustft.methods.ia3 import IA3 as IA3
    from robustft.methods.linear_probe import LinearProbe as LinearProbe
    from robustft.methods.lora import Dora as Dora
    from robustft.methods.lora import Lora as Lora
    from robustft.methods.method import Method as Method
    from robustft.methods.partial import LastBlocks as LastBlocks
    from robustft.methods.partial import Norm as Norm
    from robustft.methods.reft import Reft as Reft
    from robustft.methods.vpt import Vpt as Vpt

__getattr__ = door(
    __name__,
    {
        "BitFit": "bitfit",
        "BottleneckAdapter": "bottleneck_adapter",
        "Compacter": "compacter",
        "Dora": "lora",
        "Full": "full",
        "IA3": "ia3",
        "LastBlocks": "partial",
        "LinearProbe": "linear_probe",
        "Lora": "lora",
        "Method": "method",
        "Norm": "partial",
        "ParallelBottleneck": "bottleneck_adapter",
        "Reft": "reft",
        "Vpt": "vpt",
    },
)
