"""Every kind that people read or write has a JSON Schema in the reference, and real values fit it."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

from promotion_world import ROOT, Site, make_site
from ringfence.base.paths import Paths
from ringfence.cli.main import run

SCHEMAS = ROOT / "docs/reference/schemas"
EXAMPLES = ROOT / "examples"
SHOP = f"prod={EXAMPLES / 'shop/cluster'}"
INTERNAL = {
    "ClusterFacts", "Defect", "Materials", "NotListed",  # inside a snapshot
    "LedgerCheckpoint", "LedgerEntry", "LedgerIndex", "OrderTicket", "UpdateRecord", "ImpactAnalysis",  # signed files
    "DeployedRelease",  # in an Environment's repository
}  # fmt: skip
"""Kinds that only Ringfence itself reads back."""
READ = {"Landscape", "Partition", "RegulationPack", "EnvironmentOrder", "OrderAnswer", "Bundle"}


def schemas() -> dict[str, Any]:
    """The schemas by the kind that each describes."""
    found = (json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.schema.json")))
    return {kind: one for one in found for kind in kinds(one)}


def kinds(schema: Any) -> list[str]:
    """The kinds that a schema describes: one, or the few that look alike."""
    kind = schema["properties"]["kind"]
    return [kind["const"]] if "const" in kind else list(kind["enum"])


REGISTRY: Registry[Any] = Registry().with_resources(
    (path.name, Resource.from_contents(json.loads(path.read_text()))) for path in SCHEMAS.glob("*.schema.json")
)


def check(value: Any) -> None:
    """Hold a value against the schema of its kind."""
    schema = schemas()[value["kind"]]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, registry=REGISTRY, format_checker=jsonschema.FormatChecker()).validate(
        value
    )


def printed_kinds() -> set[str]:
    """Every kind of Ringfence's own API in the sources."""
    pattern = re.compile(r'"ringfence\.dev/v1",\s*"kind": "([A-Za-z]+)"')
    sources = (path.read_text() for path in (ROOT / "src/ringfence").rglob("*.py"))
    return {kind for text in sources for kind in pattern.findall(text)}


def test_every_kind_has_a_schema() -> None:
    assert sorted((printed_kinds() | READ) - INTERNAL - set(schemas())) == []


def test_the_reference_lists_every_schema() -> None:
    page = (ROOT / "docs/reference/schemas.md").read_text()
    linked = set(re.findall(r"\(schemas/([a-z-]+\.schema\.json)\)", page))
    assert linked == {path.name for path in SCHEMAS.glob("*.schema.json")}
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\(schemas/([a-z-]+\.schema\.json)\) \|$", page, re.MULTILINE))
    assert [kind for kind, name in rows.items() if kind not in kinds(json.loads((SCHEMAS / name).read_text()))] == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = make_site(tmp_path_factory.mktemp("site"))
    made.release("1.0.0")
    made.climb("portal/local", "development")
    made.release("1.1.0")
    return made


ORDER = {
    "environment": "production", "designation": "production", "purpose": "trial", "by": "2099-01-15", "paidBy": "1",
    "users": ["a"], "regulations": ["mdr"], "regions": ["eu"], "capacity": {"cpu": "8", "memory": "32Gi"},
    "clusters": [{"name": "production-1", "role": "workload", "pools": [{"name": "apps", "nodes": 1}]}],
    "fourEyes": True,
}  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "plan FILE", "plan FILE --frontier", "regulations", "regulations mdr FILE", "info", "status FILE",
        "up FILE --dry-run",
        "history -f FILE", "loops -f FILE", "hold set portal/development --because slow -f FILE", "hold list -f FILE",
        "approve portal/development --to testing --as carol --dry-run -f FILE",
        "release portal 1.1.0 -f FILE", "update status FILE",
        "order environment order.yaml --anyway trial -f FILE", "order list -f FILE", "evidence list FILE",
        "evidence verify FILE", "evidence export FILE",
        "update due --finished 2026-12-18T14:00:00+01:00 --kind minor --timezone UTC --freeze 2026-12-21/2026-12-23",
        f"can connect shop-test/ci shop/web --port 80/TCP --snapshot {SHOP}",
        f"can access get secrets/db -n shop --as alice --snapshot {SHOP}",
        f"prove --partition {EXAMPLES / 'shop/partition.yaml'} --snapshot {SHOP}",
    ],
)  # fmt: skip
def test_what_is_printed_fits_its_schema(
    words: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Paths, "from_environment", classmethod(lambda _: site.paths))
    monkeypatch.chdir(tmp_path)
    order = {"apiVersion": "ringfence.dev/v1", "kind": "EnvironmentOrder", "spec": ORDER}
    check(order)
    Path("order.yaml").write_text(yaml.safe_dump(order))
    assert run([*words.replace("FILE", str(site.landscape_file)).split(), "-o", "json"]) in {0, 1, 3}
    value = json.loads(capsys.readouterr().out)
    check(value)
    assert value["kind"] not in READ


def test_what_only_an_engine_gives_fits_its_schema() -> None:
    from ringfence.deliver.changes import Action, Change
    from ringfence.flows.local import Applied as Turn
    from ringfence.render import ObjectKey

    change = Change(
        "production-1", ObjectKey("apps", "Deployment", "a", "b"), "a/production", Action.REPLACE, ("spec",), "x"
    )
    head = {"apiVersion": "ringfence.dev/v1", "landscape": "clinic", "changes": [change.to_json()]}
    check({**head, "kind": "Differences", "clean": False})
    arrived = {"deployment": "a/production", "revision": "abc", "seconds": {"sync": 0.1, "healthy": 1.2}}
    check({**head, "kind": "Applied", "revisions": {"production": "abc"}, "deployments": [arrived], "notes": []})
    check(Turn("portal/local", "local-1", Path("kubeconfig"), 3, 0, 0.1, 2.5).to_json())


def test_what_a_watch_prints_fits_its_schema() -> None:
    from ringfence.flows.watching import NotCurrent

    at = datetime(2026, 11, 23, tzinfo=UTC)
    check(NotCurrent(at, at, {"prod": "its API server does not answer"}).to_json())
    head = {"apiVersion": "ringfence.dev/v1", "kind": "ProofUpdate", "at": at.isoformat(), "current": True}
    change = {"from": "a/staging", "to": "a/production", "dimension": "access", "before": "unknown", "after": "holds"}
    line = {**head, "verdict": "holds", "changes": [{**change, "verdict": {"verdict": "holds"}}], "seconds": 0.2}
    line |= {"asking": "answered", "said": ["3 dry runs for 1 attack"]}
    check(line)
    with pytest.raises(jsonschema.ValidationError):
        check({**line, "current": False, "since": at.isoformat(), "because": {}})


def test_rendered_node_pools_fit_their_schema(tmp_path: Path) -> None:
    assert run(["render", str(EXAMPLES / "clinic"), "-o", str(tmp_path / "out")]) == 0
    pools = list((tmp_path / "out").rglob("node-pools.yaml"))
    assert pools
    for path in pools:
        check(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    "path",
    [EXAMPLES / "shop/partition.yaml", *(ROOT / "src/ringfence/landscape/packs_data").glob("*.yaml")],
    ids=lambda path: path.stem,
)
def test_what_is_read_fits_its_schema(path: Path) -> None:
    check(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*/*.md")), ids=lambda path: path.stem)
def test_documents_in_the_documentation_fit_their_schemas(page: Path) -> None:
    for block in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        for value in yaml.safe_load_all(block):
            if (
                isinstance(value, dict)
                and value.get("kind") in READ
                and str(value.get("apiVersion", "")).startswith("ringfence.dev")
            ):
                check(json.loads(json.dumps(value, default=str)))


def test_a_wrong_value_does_not_fit() -> None:
    for kind in schemas():
        with pytest.raises(jsonschema.ValidationError):
            check({"apiVersion": "ringfence.dev/v1", "kind": kind, "surprise": 1})
