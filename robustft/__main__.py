"""python -m robustft [train|evaluate|report|pretrain] key=value ..."""

from __future__ import annotations

from robustft.cli.app import main

if __name__ == "__main__":
    main()
