"""The events of an update as the lines of its journal."""

from collections.abc import Mapping
from typing import Any, cast, get_args

from ringfence.evidence.codec import decode, encode
from ringfence.update.state import UpdateEvent

_KINDS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(UpdateEvent)}


def event_to_json(event: UpdateEvent) -> dict[str, Any]:
    """The event with its name, as JSON values."""
    return {"event": type(event).__name__, **encode(event)}


def event_from_json(value: Mapping[str, Any]) -> UpdateEvent:
    """The event that ``event_to_json`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    rest = dict(value)
    return cast(UpdateEvent, decode(_KINDS[rest.pop("event")], rest))
