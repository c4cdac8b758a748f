"""Files of pre-trained weights: their paths and tensor shapes, without loading them.

Only safetensors: loading a pickle can execute code. Nothing here imports torch.
"""

from __future__ import annotations

from pathlib import Path

from robustft import checks

PACKAGED = "package:"
WEIGHTS = Path(__file__).parent / "weights"


def find_checkpoint(checkpoint: str) -> Path:
    """The file that `checkpoint` names: a path, or `package:NAME` for one that ships with robustft.

    Raises:
        ValueError: in one line, if it does not exist or is not a complete safetensors file.
    """
    if checkpoint.startswith(PACKAGED):
        path = WEIGHTS / checkpoint.removeprefix(PACKAGED)
        shipped = sorted(file.name for file in WEIGHTS.glob("*.safetensors"))
        if path.name not in shipped or path.parent != WEIGHTS:
            listed = ", ".join(PACKAGED + name for name in shipped)
            raise ValueError(f"checkpoint must be a file or one of {listed}; got {checkpoint!r}")
    else:
        path = checks.path("checkpoint", checkpoint)
    try:
        exists = path.is_file()
    except OSError as error:  # no permission to read the directory, or a name that is too long
        raise ValueError(f"checkpoint must be a safetensors file, got {checkpoint!r}: {error.strerror}") from error
    if not exists:
        raise ValueError(f"checkpoint must be a safetensors file, got {checkpoint!r}, which does not exist")
    tensor_shapes(path)
    return path


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor in a safetensors file, read from its header."""
    from safetensors import SafetensorError, safe_open

    if path.suffix != ".safetensors":  # timm unpickles a file with any other extension
        raise ValueError(f"checkpoint must be a safetensors file with the ending .safetensors, got '{path}'")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"checkpoint must be a safetensors file, got '{path}', which is none ({reason})") from error
