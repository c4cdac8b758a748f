"""Parquet files from the Hugging Face hub: from the local cache, else downloaded."""

from __future__ import annotations

import glob
from pathlib import Path

from robustft.data.errors import AmbiguousData, DataError, DataNotFound, one_line
from robustft.data.sources.parquet_files import choose_splits, find_splits

_PATTERNS = ["*train*.parquet", "*test*.parquet"]
_TIMEOUT_SECONDS = 10.0


def hub_directory(hub_id: str, revision: str | None, config: str | None = None) -> Path:
    """A snapshot directory with the training and test parquet files of a data set on the hub.

    The network is used only if the local cache lacks a file, and only for the files of the configuration `config`.

    Raises:
        DataNotFound: with instructions, if they are neither cached nor downloadable.
        AmbiguousData: if there are several configurations and `config` chooses none.
    """
    from huggingface_hub import constants  # slow to import, and local data does not need it

    try:
        return _snapshot(hub_id, revision, config, _PATTERNS, local=True)
    except AmbiguousData:
        # The cache may lack just this configuration.
        if config is None or constants.HF_HUB_OFFLINE:
            raise
    except (OSError, ValueError):
        pass
    try:
        return _download(hub_id, revision, config)
    except AmbiguousData:
        raise
    except DataError as error:
        raise DataNotFound(
            f"hub_id {_reference(hub_id, revision)} is no data set in parquet form ({error}); the hub's own "
            "conversion, if there is one, is revision=refs/convert/parquet"
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        option = "" if revision is None else f" --revision {revision}"
        raise DataNotFound(
            f"hub_id {_reference(hub_id, revision)} was found neither in the hub's cache {constants.HF_HUB_CACHE} "
            f"nor on the network ({type(error).__name__}: {_root_cause(error)}); give dataset.path=DIR with the "
            "parquet files as on the hub, or fill the cache on a machine with network: "
            f"hf download {hub_id} --repo-type dataset{option}"
        ) from error


def _download(hub_id: str, revision: str | None, config: str | None) -> Path:
    from huggingface_hub import HfApi

    # With a timeout, which snapshot_download lacks for its first request.
    files = HfApi().dataset_info(hub_id, revision=revision, timeout=_TIMEOUT_SECONDS).siblings or []
    train, test = choose_splits([file.rfilename for file in files], config, f"hub_id {hub_id}")
    return _snapshot(hub_id, revision, config, [glob.escape(name) for name in (*train, *test)], local=False)


def _snapshot(hub_id: str, revision: str | None, config: str | None, patterns: list[str], *, local: bool) -> Path:
    """Directory with the files that match `patterns`; local: from the cache alone. Checked to have both splits."""
    from huggingface_hub import snapshot_download

    directory = snapshot_download(
        hub_id,
        repo_type="dataset",
        revision=revision,
        allow_patterns=patterns,
        etag_timeout=_TIMEOUT_SECONDS,
        local_files_only=local,
    )
    find_splits(Path(directory), config)  # the hub's library does not notice an interrupted download
    return Path(directory)


def _reference(hub_id: str, revision: str | None) -> str:
    return f"{hub_id} (revision {revision or 'main'})"


def _root_cause(error: BaseException) -> str:
    """Message of the innermost error: the libraries wrap a failed connection several times."""
    while True:
        cause = getattr(error, "reason", None) or next((arg for arg in error.args if isinstance(arg, Exception)), None)
        if not isinstance(cause, BaseException):
            return one_line(error)
        error = cause
