"""python -m robustft [train|evaluate|report|export|status|plan|data|pretrain] key=value ..."""

from __future__ import annotations

import atexit
import gc

from robustft.cli.app import main

atexit.register(gc.freeze)  # Python looks through a million objects of libraries as it ends, which takes a second

if __name__ == "__main__":
    main()
