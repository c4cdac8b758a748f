from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_module_of_the_room_imports_anything_heavy() -> None:
    files = sorted((ROOT / "robustft" / "data").rglob("[a-z]*.py"))
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    assert "robustft.data.sources.digits" in modules
    heavy = ("torch", "sklearn", "mlxtend", "huggingface_hub", "pandas", "hydra", "omegaconf")
    code = f"import sys, {', '.join(modules)}\nprint(sorted(set(sys.modules) & set({heavy})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_digits_imports_neither_package_that_ships_them() -> None:
    code = (
        "import sys; from robustft.data.sources.digits import Digits; Digits().load(8); "
        "print(sorted({'sklearn', 'mlxtend', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
