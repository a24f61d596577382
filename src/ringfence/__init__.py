"""Ringfence: how many environments, where each deployment lives, and whether the separation holds.

One way through: Landscape -> Topology -> Manifests -> clusters -> Snapshot -> Proof -> Evidence. Each package turns
one value into the next and imports only packages below it; ``pyproject.toml`` holds that order as a contract.
"""

__version__ = "0.1.0"
