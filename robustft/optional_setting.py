"""Settings that are absent from run ids and record keys where they are off, so that older ones stay valid."""

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

    normal: maps equivalent values to one form, which is compared and stored.
    goes_with: name of another optional field that this one belongs to; it is absent exactly where that one is.

    >>> @dataclass
    ... class Plan:
    ...     steps: int = 10
    ...     clip: float | None = optional_setting(None)
    >>> without_off(Plan, {"steps": 10, "clip": None}), without_off(Plan, {"steps": 10, "clip": 1.0})
    ({'steps': 10}, {'steps': 10, 'clip': 1})
    """
    return field(default=off, metadata={_KEY: _Optional(off=off, normal=normal, goes_with=goes_with)})


def without_off(owner: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` of the dataclass `owner` without those that are off; other optional ones are in canonical form.

    All of them if `owner` is no dataclass.
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
    every = fields(owner) if is_dataclass(owner) else ()
    return {field.name: field.metadata[_KEY] for field in every if _KEY in field.metadata}


def _is_off(name: str, optional: Mapping[str, _Optional], settings: Mapping[str, Any]) -> bool:
    setting = optional[name]
    if setting.goes_with is not None:
        return setting.goes_with not in settings or _is_off(setting.goes_with, optional, settings)
    return bool(canonical(setting.normal(settings[name])) == canonical(setting.normal(setting.off)))
