"""Pre-trained weights of timm models: from the hub's cache, else downloaded once."""

from __future__ import annotations

from pathlib import Path

FILE = "model.safetensors"
TIMEOUT_SECONDS = 5


def hub_weights(name: str) -> Path:
    """The safetensors file of the timm model `name`, from the local cache if it is there.

    A cached file is used without a network request, so that runs on machines without network start at once.

    Raises:
        ValueError: in one line, if the file is neither cached nor available from the hub.
    """
    import timm
    from huggingface_hub import constants, hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.utils import get_session

    instead = "give backbone.checkpoint=FILE (safetensors)"
    config = timm.get_pretrained_cfg(name)
    repository = config.hf_hub_id if config is not None else None
    if not repository:
        raise ValueError(
            f"pretrained: timm has no weights for {name} on the hub; {instead} or backbone.pretrained=false"
        )
    cached = try_to_load_from_cache(repository, FILE)
    if isinstance(cached, str):
        return Path(cached)
    try:
        # One request first: the hub's client tries six times, which takes half a minute without network.
        get_session().head(hf_hub_url(repository, FILE), timeout=TIMEOUT_SECONDS)
        return Path(hf_hub_download(repository, FILE))
    except OSError as error:
        raise ValueError(
            f"pretrained: the weights of {name} ({repository}/{FILE}) are neither in the hub's cache "
            f"({constants.HF_HUB_CACHE}) nor available from {constants.ENDPOINT} ({type(error).__name__}); {instead}, "
            f"or start once where there is network to fill the cache"
        ) from error
