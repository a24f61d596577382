"""Frozen dataclasses as JSON and back, by their type hints: what journals write.

A general library was rejected: these values are few and simple, and reading has to fail on anything unexpected instead
of guessing. Known types: str, int, bool, datetime, date, Fraction, enumerations, dataclasses, tuples, frozensets,
mappings with string keys, and each of them or None.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from typing import Any, TypeVar, Union

T = TypeVar("T")


def encode(value: object) -> Any:
    """``value`` as plain JSON. Raises TypeError for a type that is not known here."""
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Fraction):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: encode(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, frozenset):
        return sorted(encode(one) for one in value)
    if isinstance(value, tuple | list):
        return [encode(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): encode(one) for key, one in value.items()}
    raise TypeError(f"{type(value).__name__} cannot be written")


def decode(wanted: type[T], value: Any) -> T:
    """The ``wanted`` that ``encode`` wrote. Raises TypeError, KeyError or ValueError for anything else."""
    return typing.cast(T, _decode(wanted, value))


def _decode(wanted: Any, value: Any) -> Any:
    origin = typing.get_origin(wanted)
    if origin is not None:
        return _decode_generic(origin, typing.get_args(wanted), value)
    if wanted is Any:
        return value
    if dataclasses.is_dataclass(wanted):
        return _decode_dataclass(wanted, value)
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return wanted(value)
    if wanted is date:
        return date.fromisoformat(_of(str, value))
    if wanted is datetime:
        return _moment(_of(str, value))
    if wanted is Fraction:
        return Fraction(_of(str, value))
    return _of(wanted, value)


def _decode_generic(origin: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (only,) = [one for one in arguments if one is not type(None)]
        return _decode(only, value)
    if origin is tuple:
        return tuple(_decode(arguments[0], one) for one in _of(list, value))
    if origin is frozenset:
        return frozenset(_decode(arguments[0], one) for one in _of(list, value))
    return {key: _decode(arguments[1], one) for key, one in _of(dict, value).items()}


def _decode_dataclass(wanted: Any, value: Any) -> Any:
    hints = typing.get_type_hints(wanted)
    given = _of(dict, value)
    unknown = set(given) - {one.name for one in dataclasses.fields(wanted)}
    if unknown:
        raise ValueError(f"{wanted.__name__} has no {', '.join(sorted(unknown))}")
    return wanted(
        **{
            one.name: _decode(hints[one.name], given[one.name])
            for one in dataclasses.fields(wanted)
            if one.name in given
        }
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset from UTC")
    return moment


def _of(wanted: type, value: Any) -> Any:
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise TypeError(f"{value!r:.40} is not of type {wanted.__name__}")
    return value
