"""Settings that leave no trace where they are off, so that runs and records of before they came stay what they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from robustft.canonical_hash import canonical

_KEY = "optional setting"


@dataclass(frozen=True, kw_only=True)
class _Optional:
    off: Any
    normal: Callable[[Any], Any]
    goes_with: str | None


def optional_setting(
    off: Any, *, normal: Callable[[Any], Any] = lambda value: value, goes_with: str | None = None
) -> Any:
    """A dataclass field whose default, `off`, is absent from the identity of a run and from the keys of records.

    normal: brings every way of writing a value into one; what it gives is what counts.
    goes_with: another optional field without which this one means nothing; it is absent exactly where that one is.
    """
    return field(default=off, metadata={_KEY: _Optional(off=off, normal=normal, goes_with=goes_with)})


def without_off(owner: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` of the dataclass `owner`, those that are off left out, the other optional ones in canonical form.

    Of a class that is no dataclass, all of them.
    """
    optional = _optional_fields(owner)
    left = dict(settings)
    for name in optional.keys() & settings.keys():
        if _is_off(name, optional, settings):
            del left[name]
        else:
            left[name] = canonical(optional[name].normal(settings[name]))
    return left


def _optional_fields(owner: Any) -> dict[str, _Optional]:
    found = fields(owner) if is_dataclass(owner) else ()
    return {field.name: field.metadata[_KEY] for field in found if _KEY in field.metadata}


def _is_off(name: str, optional: Mapping[str, _Optional], settings: Mapping[str, Any]) -> bool:
    setting = optional[name]
    if setting.goes_with is not None:
        return setting.goes_with not in settings or _is_off(setting.goes_with, optional, settings)
    return bool(canonical(setting.normal(settings[name])) == canonical(setting.normal(setting.off)))
