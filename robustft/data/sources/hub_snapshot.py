"""Parquet files from the Hugging Face hub: from its local cache or else over the network."""

from __future__ import annotations

import glob
from pathlib import Path

from robustft.data.errors import AmbiguousData, DataError, DataNotFound, one_line
from robustft.data.sources.parquet_files import choose_splits, find_splits

_PATTERNS = ["*train*.parquet", "*test*.parquet"]
_TIMEOUT_SECONDS = 10.0


def hub_directory(hub_id: str, revision: str | None, config: str | None = None) -> Path:
    """A directory with the training and test parquet files of a data set on the hub, as they lie there.

    The network is asked only if the cache lacks a file, and gives only the files of the configuration `config`.
    DataNotFound, with what to do about it, if both fail; AmbiguousData if `config` must be given.
    """
    from huggingface_hub import HfApi, constants, snapshot_download

    def snapshot(patterns: list[str], *, local: bool) -> Path:
        directory = Path(
            snapshot_download(
                hub_id,
                repo_type="dataset",
                revision=revision,
                allow_patterns=patterns,
                etag_timeout=_TIMEOUT_SECONDS,
                local_files_only=local,
            )
        )
        find_splits(
            directory, config
        )  # the hub's own look into the cache takes an interrupted download for a whole one
        return directory

    try:
        return snapshot(_PATTERNS, local=True)
    except AmbiguousData:
        if config is None or constants.HF_HUB_OFFLINE:
            raise
        # Otherwise it may only be that another configuration was asked for so far.
    except (OSError, ValueError):
        pass
    try:
        # snapshot_download has no timeout of its own for its first question.
        there = HfApi().dataset_info(hub_id, revision=revision, timeout=_TIMEOUT_SECONDS).siblings or []
        train, test = choose_splits([file.rfilename for file in there], config, f"hub_id {hub_id}")
        return snapshot([glob.escape(name) for name in (*train, *test)], local=False)
    except AmbiguousData:
        raise
    except DataError as error:
        raise DataNotFound(
            f"hub_id {_asked(hub_id, revision)} is no data set in parquet form ({error}); the hub's own conversion, if "
            "there is one, is revision=refs/convert/parquet"
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        option = "" if revision is None else f" --revision {revision}"
        raise DataNotFound(
            f"hub_id {_asked(hub_id, revision)} was found neither in the hub's cache {constants.HF_HUB_CACHE} nor on "
            f"the network ({type(error).__name__}: {_cause(error)}); give dataset.path=DIR with the parquet files as "
            f"on the hub, or fill the cache on a machine with network: hf download {hub_id} --repo-type dataset{option}"
        ) from error


def _asked(hub_id: str, revision: str | None) -> str:
    return f"{hub_id} (revision {revision or 'main'})"


def _cause(error: BaseException) -> str:
    """The reason at the bottom: the libraries wrap a failed connection several times over."""
    while True:
        below = getattr(error, "reason", None) or next((arg for arg in error.args if isinstance(arg, Exception)), None)
        if not isinstance(below, BaseException):
            return one_line(error)
        error = below
