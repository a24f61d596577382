"""Namespace annotations of the admission plugins PodNodeSelector and PodTolerationRestriction.

Source: the plugins' code in kubernetes/plugin/pkg/admission. Both are off unless switched on, so an annotation alone
proves nothing; whoever reads these values asks for the plugin first.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ringfence.prove.network.selectors import UnreadableError, parse_list
from ringfence.prove.scheduling.taints import Taint, Toleration
from ringfence.prove.scheduling.values import parse_toleration

NODE_SELECTOR = ("scheduler.alpha.kubernetes.io/node-selector",)
DEFAULT_TOLERATIONS = "scheduler.alpha.kubernetes.io/defaultTolerations"
ALLOWED_TOLERATIONS = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"


@dataclass(frozen=True, slots=True)
class TolerationRules:
    """What a namespace adds to its pods' tolerations and which it allows; ``allowed`` empty allows all."""

    defaults: tuple[Toleration, ...] = ()
    allowed: tuple[Toleration, ...] = ()
    present: bool = False

    def refuses(self, tolerations: Iterable[Toleration]) -> Toleration | None:
        """The first toleration that no allowed one covers, or None."""
        if not self.allowed:
            return None
        return next((one for one in tolerations if not any(_covers(rule, one) for rule in self.allowed)), None)

    def could_tolerate(self, taint: Taint) -> bool:
        """Is there an allowed toleration that tolerates this taint (Gt and Lt count as if they did)?"""
        if not self.allowed:
            return True
        return any(
            (not rule.effect or rule.effect == taint.effect)
            and (not rule.key or rule.key == taint.key)
            and (rule.operator != "Equal" or rule.value == taint.value)
            for rule in (*self.allowed, *self.defaults)
        )


def _covers(rule: Toleration, one: Toleration) -> bool:
    if rule == one:
        return True
    if rule.key != one.key and not (rule.key == "" and rule.operator == "Exists"):
        return False
    if rule.effect not in {"", one.effect}:
        return False
    return rule.operator == "Exists" or (rule.operator == one.operator == "Equal" and rule.value == one.value)


def namespace_selector(annotations: Mapping[str, str]) -> dict[str, str]:
    """The labels that PodNodeSelector adds to every pod of the namespace. Raises UnreadableError."""
    found: dict[str, str] = {}
    for name in NODE_SELECTOR:
        for part in filter(None, (piece.strip() for piece in annotations.get(name, "").split(","))):
            key, equals, value = part.partition("=")
            if not equals or key.strip() in found:
                raise UnreadableError(f"the annotation {name} is no list of key=value")
            found[key.strip()] = value.strip()
    return found


def namespace_tolerations(annotations: Mapping[str, str]) -> TolerationRules:
    """What PodTolerationRestriction does in the namespace. Raises UnreadableError."""
    defaults = _read(annotations.get(DEFAULT_TOLERATIONS))
    allowed = _read(annotations.get(ALLOWED_TOLERATIONS))
    return TolerationRules(defaults, allowed, bool(defaults or allowed))


def _read(text: str | None) -> tuple[Toleration, ...]:
    if not text:
        return ()
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("an annotation with tolerations is no JSON") from error
    return tuple(parse_toleration(entry) for entry in parse_list(entries, "tolerations"))
