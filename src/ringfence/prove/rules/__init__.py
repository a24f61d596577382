"""The rules: each a small named function that says what follows from one capability, with its source and versions."""

from importlib import import_module

_MODULES = (
    "identity", "escalation", "eks", "pods", "nodes", "secrets", "delivery", "flux", "components", "custom", "asked",
)  # fmt: skip


def load_rules() -> None:
    """Enter every rule into the table (importing a module enters its rules; doing it twice changes nothing)."""
    for name in _MODULES:
        import_module(f"{__name__}.{name}")
