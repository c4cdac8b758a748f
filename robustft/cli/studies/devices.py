"""The GPUs of this machine for the processes of one study or several: each takes a free one, by a lease."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from robustft import interruption
from robustft.lease import Lease

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_LOOK_SECONDS = 2.0


def visible_devices() -> list[str]:
    """The GPUs that this process may use, by their UUIDs where nvidia-smi tells them; [] without any."""
    uuids = _uuids()
    if (given := os.environ.get(_VISIBLE)) is None:
        return list(uuids.values())
    names = [name.strip() for name in given.split(",")]
    return [uuids.get(name, name) for name in names if name not in ("", "-1")]


def _uuids() -> dict[str, str]:
    """Index -> UUID of the GPUs of this machine."""
    command = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    lines = listed.stdout.splitlines() if listed.returncode == 0 else []
    return {index.strip(): uuid.strip() for index, _, uuid in (line.partition(",") for line in lines)}


@contextmanager
def free_device(devices: Sequence[str], directory: Path | None = None) -> Iterator[Mapping[str, str]]:
    """Holds one of `devices` that no other process holds, and yields the environment that shows only it; waits until
    one is free. Without devices the environment is empty.

    directory: of the leases; None: one in the temporary directory, which all users of the machine share.

    Raises:
        Interrupted: if this process is interrupted while it waits.
    """
    if not devices:
        yield {}
        return
    leases = {name: Lease(_lease_file(name, directory)) for name in devices}
    while True:
        held = next((name for name, lease in leases.items() if lease.acquire()), None)
        if held is not None:
            break
        interruption.check()
        time.sleep(_LOOK_SECONDS)
    try:
        yield {_VISIBLE: held}
    finally:
        leases[held].release()


def _lease_file(device: str, directory: Path | None) -> Path:
    place = directory or Path(tempfile.gettempdir()) / f"robustft-devices-{os.getuid()}"
    place.mkdir(parents=True, exist_ok=True)
    return place / f"{socket.gethostname()}-{device.replace('/', '-')}.lease"
