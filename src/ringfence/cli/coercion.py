"""Words of the command line to values without a validation library: importing one took longer than planning the clinic.

typer reads every value through pydantic, which it imports at the first one. Texts, paths, choices and bounded numbers
need none of that; parameters of any other type keep typer's own way.
"""

from enum import Enum
from pathlib import Path
from typing import Any, cast

import typer


class Plain:
    """Reads one parameter; stands where typer keeps its own reader."""

    def __init__(self, kind: type, least: float | None = None, most: float | None = None) -> None:
        """``least`` and ``most`` bound a number, both included."""
        self._kind = kind
        self._least = least
        self._most = most

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of a word, or of several for a parameter that may be given many times."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if param.multiple or param.nargs == -1:
            return tuple(self._one(each, param, ctx) for each in value)
        return self._one(value, param, ctx)

    def _one(self, value: Any, param: Any, ctx: Any) -> Any:
        if issubclass(self._kind, int | float) and self._kind is not bool:
            return self._number(value, param, ctx)
        if isinstance(value, self._kind):
            return value
        if not issubclass(self._kind, Enum):
            return cast(Any, self._kind)(value)
        choices = [str(member.value) for member in self._kind]
        if value not in choices:
            listed = ", ".join(repr(choice) for choice in choices)
            raise typer.BadParameter(f"{value!r} is not one of {listed}.", ctx=ctx, param=param)
        return cast(Any, self._kind)(value)

    def _number(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            number = cast(Any, self._kind)(value)
        except ValueError:
            what = "integer" if self._kind is int else "number"
            raise typer.BadParameter(f"{value!r} is not a valid {what}.", ctx=ctx, param=param) from None
        least, most = self._least, self._most
        # Written so that NaN, which is in no range, is refused as well.
        if (least is not None and not number >= least) or (most is not None and not number <= most):
            wanted = " and ".join([*([f"at least {least:g}"] if least is not None else []),
                                   *([f"at most {most:g}"] if most is not None else [])])  # fmt: skip
            raise typer.BadParameter(f"{value} is not {wanted}.", ctx=ctx, param=param)
        return number


def lighten(command: Any) -> Any:
    """Give the parameters of a command that need no more a plain reader; hands the command back."""
    for parameter in getattr(command, "params", ()):
        _give_reader(parameter)
    help_option = command.get_help_option
    command.get_help_option = lambda ctx: _give_reader(help_option(ctx))
    for other in getattr(command, "commands", {}).values():
        lighten(other)
    return command


def _give_reader(parameter: Any) -> Any:
    kind = _plain_kind(parameter)
    if kind is not None and getattr(parameter, "_runtime_param", parameter) is None:
        asked = getattr(parameter.type_descriptor, "parameter_info", None)
        parameter._runtime_param = Plain(kind, getattr(asked, "min", None), getattr(asked, "max", None))  # noqa: SLF001
    return parameter


def _plain_kind(parameter: Any) -> type | None:
    descriptor = getattr(parameter, "type_descriptor", None)
    kind = getattr(descriptor, "annotation", None)
    asked = getattr(descriptor, "parameter_info", None)
    if not isinstance(kind, type) or any(getattr(asked, each, None) for each in _DEMANDS):
        return None
    if (
        kind in {str, Path, int, float}
        or (kind is bool and getattr(parameter, "is_flag", False))
        or (issubclass(kind, Enum) and issubclass(kind, str))
    ):
        return cast(type, kind)
    return None


_DEMANDS = ("parser", "click_type", "exists", "resolve_path", "allow_dash", "readable_only", "path_type", "formats",
            "clamp", "count")  # fmt: skip
"""What a parameter may ask beyond its type; one that asks is left to typer."""
