"""Values as JSON for keys, digests and files: by the fast encoder, and by the standard one where that refuses.

The fast one takes no numbers beyond 64 bits and nothing nested more than 254 deep. Both come from strangers' files, and
from custom resources that an API server stores as they are.
"""

import json
from typing import Any

import orjson

from ringfence.base.errors import InputError


def json_bytes(value: Any, *, sort: bool = False, indent: bool = False) -> bytes:
    """``value`` as JSON in UTF-8. Raises InputError when it is nested too deeply for either encoder."""
    option = (orjson.OPT_SORT_KEYS if sort else 0) | (orjson.OPT_INDENT_2 if indent else 0)
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        pass
    try:
        return json.dumps(value, sort_keys=sort, indent=2 if indent else None).encode("ascii")
    except RecursionError:
        raise InputError("an object is nested too deeply", reason="NotReadable") from None
