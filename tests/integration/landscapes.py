"""Landscapes for integration tests, and the six levels in one Topology."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from ringfence.decide.topology import Topology
from ringfence.landscape.load import load_landscape
from ringfence.landscape.model import Landscape, Level
from topologies import ROOT, Place, topology_of

_HEAD = """\
apiVersion: ringfence.dev/v1
kind: Landscape
metadata: {{name: {name}}}
spec:
  regulations: []
  teams: {{alpha: {{groups: [alpha-devs]}}, beta: {{groups: [beta-devs]}}}}
  costs:
    environment: 100
    cluster: 50
    node: {{cpu: "4", memory: 16Gi, price: 10, fill: 0.8, minPerPool: 1}}
  transformations:
    - {{name: anonymise, from: customer, to: seed, by: "system:serviceaccount:jobs:anonymise"}}
  services: {{postgresql: {{requests: {{cpu: 100m, memory: 128Mi}}}}}}
  applications:
"""
_APPLICATION = """\
    - name: {name}
      team: alpha
      source: {{{source}}}
      data: internal
      {more}
      requests: {{cpu: 100m, memory: 128Mi}}
      deployments: {deployments}
"""
_CHARTS: Mapping[str, str] = {}
_CHART = ROOT / "examples" / "clinic" / "charts" / "backoffice"

_MANIFESTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}}}
data: {{greeting: hello}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: 8080}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      securityContext: {{runAsNonRoot: true, runAsUser: 10001, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
        - name: main
          image: registry.example.org/{name}@sha256:0000000000000000000000000000000000000000000000000000000000000000
          resources: {{requests: {{cpu: 50m, memory: 64Mi}}, limits: {{cpu: 50m, memory: 64Mi}}}}
          securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
"""

LEVEL_APPLICATIONS: dict[Level, str] = {
    Level.LABELS: "labels",
    Level.NAMESPACE: "namespace",
    Level.NODE: "node",
    Level.NODE_NAMESPACE: "nodespace",
    Level.CLUSTER: "cluster",
    Level.ENVIRONMENT: "environment",
}


def write_landscape(
    folder: Path, name: str, applications: dict[str, str], more: str = "", sources: Mapping[str, str] = _CHARTS
) -> Landscape:
    """A Landscape with these applications (name to its ``deployments`` as YAML), each with a chart of its own, or what
    ``sources`` names for it: ``kustomize: PATH`` or ``manifests: PATH``, whose files the caller writes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = _HEAD.format(name=name)
    for application, deployments in applications.items():
        source = sources.get(application, f"helm: charts/{application}")
        text += _APPLICATION.format(name=application, source=source, more=more, deployments=deployments)
        if source.startswith("helm:"):
            shutil.copytree(_CHART, folder / "charts" / application, dirs_exist_ok=True)
    path = folder / "ringfence.yaml"
    path.write_text(text, encoding="utf-8")
    return load_landscape(path)


def write_manifests(folder: Path, name: str, *, kustomization: bool = False) -> None:
    """Plain manifests of a small application: a ConfigMap, a Service and a Deployment of two pods."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "workload.yaml").write_text(_MANIFESTS.format(name=name), encoding="utf-8")
    if kustomization:
        text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [workload.yaml]\n"
        (folder / "kustomization.yaml").write_text(text, encoding="utf-8")


def six_levels(folder: Path, name: str = "levels") -> tuple[Landscape, Topology]:
    """Six applications with two testing copies each, one application for each level that the two are apart."""
    landscape = write_landscape(
        folder, name, dict.fromkeys(LEVEL_APPLICATIONS.values(), "{testing: {copies: 2}}"), "needs: [postgresql]"
    )
    places: list[Place] = []
    for level, application in LEVEL_APPLICATIONS.items():
        one, two = f"{application}/testing-1", f"{application}/testing-2"
        mine, other = f"{application}-a", f"{application}-b"
        shared_pool = {Level.LABELS, Level.NAMESPACE}
        shared_namespace = {Level.LABELS, Level.NODE}
        cluster = {Level.CLUSTER: "main-2", Level.ENVIRONMENT: "far-1"}.get(level, "main-1")
        environment = "far" if level is Level.ENVIRONMENT else "main"
        places.append(Place(one, "main", "main-1", mine, mine))
        places.append(
            Place(
                two,
                environment,
                cluster,
                mine if level in shared_pool else other,
                mine if level in shared_namespace else other,
            )
        )
    return landscape, topology_of(landscape, places)
