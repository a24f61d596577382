"""What a Landscape may say, and what an error says when it may not."""

from fractions import Fraction
from pathlib import Path

import pytest

from ringfence.base.errors import InputError
from ringfence.landscape.load import load_landscape, parse_landscape
from ringfence.landscape.model import Audience, DataClass, Level, Posture, Shared

SHORT = """\
apiVersion: ringfence.dev/v1
kind: Landscape
metadata: {name: tiny}
spec:
  applications:
    - name: shop
      deployments:
        testing: {copies: 2}
        production: {}
"""

EXAMPLE = Path(__file__).parents[3] / "examples/clinic/ringfence.yaml"


def test_a_file_of_ten_lines_works() -> None:
    landscape = parse_landscape(SHORT)
    assert [each.name for each in landscape.deployments] == ["shop/testing-1", "shop/testing-2", "shop/production"]
    assert landscape.posture is Posture.RECOMMENDED
    assert landscape.regulations == ()
    assert landscape.costs.environment == 1200
    assert landscape.costs.node.fill == Fraction(4, 5)
    assert [stage.name for stage in landscape.stages] == ["local", "development", "testing", "staging", "production"]


def test_the_clinic_loads() -> None:
    landscape = load_landscape(EXAMPLE.parent)
    assert landscape.name == "clinic"
    portal = landscape.application("portal")
    assert portal.needs == ("postgresql", "rabbitmq")
    assert landscape.deployment("portal/production").requests.cpu == 4
    assert landscape.deployment("portal/staging").requests.memory == 1024**3


def with_spec(*lines: str) -> str:
    return SHORT + "".join(f"  {line}\n" for line in lines)


def test_every_section() -> None:
    landscape = parse_landscape(
        with_spec(
            "posture: minimum",
            "people: {qa: [testers], customers: [clients, public]}",
            "separate: [{between: {stage: testing}, and: {stage: [production, testing]}, level: node+namespace}]",
            "together: [{deployments: [shop/testing-1, shop/testing-2], in: pool, because: fixtures}]",
            "declared: [{from: shop/testing-1, to: shop/production, ports: [443/TCP, 53/UDP], because: x}]",
            "holidays: {country: SE, timezone: Europe/Stockholm, alsoOff: [2026-12-24], "
            "freezes: [{from: 2026-12-20, to: 2027-01-06, because: rest}]}",
            "costs: {environment: 10.50, node: {cpu: 500m, memory: 1Gi}, move: {customer: 7, months: 3}}",
            "stages: {integration: {target: 90s}, acceptance: {renames: staging, observers: [qa]}, "
            "preview: {like: testing, after: development, data: realistic}, development: {omit: true}}",
        ).replace("kind: Landscape", "kind: Landscape")
    )
    assert landscape.audiences[Audience.QA] == ("testers",)
    assert landscape.separate[0].level is Level.NODE_NAMESPACE
    assert landscape.separate[0].identifier == "separate[0]"
    assert landscape.together[0].shared is Shared.POOL
    assert landscape.declared[0].ports == ("443/TCP", "53/UDP")
    assert landscape.calendar.also_off == ("2026-12-24",)
    assert landscape.calendar.freezes[0].last == "2027-01-06"
    assert landscape.costs.environment == Fraction(21, 2)
    assert landscape.costs.move.by_data[DataClass.CUSTOMER] == 7
    assert landscape.costs.move.months == 3
    names = [stage.name for stage in landscape.stages]
    assert names == ["local", "preview", "integration", "testing", "acceptance", "production"]
    assert landscape.stage("acceptance").like == "staging"
    assert landscape.stage("preview").data is DataClass.REALISTIC
    assert landscape.stage("integration").target_loop == 90
    assert [stage.rank for stage in landscape.stages] == list(range(6))


def test_a_service_s_image_may_be_named_and_keeps_its_figures() -> None:
    image = f"registry.example.org:5000/postgres:18.1@sha256:{'0' * 64}"
    services = parse_landscape(with_spec(f"services: {{postgresql: {{image: '{image}'}}}}")).services
    assert services["postgresql"].image == image
    assert services["postgresql"].requests.cpu == 1
    assert services["rabbitmq"].image is None


def test_one_copy_may_be_called_by_its_number() -> None:
    text = (
        SHORT.replace("copies: 2", "copies: 1")
        + "  together: [{deployments: [shop/testing-1, shop/production], in: pool}]\n"
    )
    assert parse_landscape(text).together[0].deployments == ("shop/testing", "shop/production")


def test_a_rule_may_name_data_that_no_application_has_yet() -> None:
    text = SHORT.replace("    - name: shop\n", "    - name: shop\n      data: cards\n")
    rule = "  separate: [{between: {data: DATA}, and: {}, level: node}]\n"
    assert parse_landscape(text + rule.replace("DATA", "personal-health")).separate[0].between.data == (
        "personal-health",
    )
    with pytest.raises(InputError, match="no application has the data 'crads'"):
        parse_landscape(text + rule.replace("DATA", "crads"))


def test_requests_of_a_deployment_change_what_they_name() -> None:
    text = SHORT.replace("production: {}", "production: {requests: {cpu: 3}}").replace(
        "    - name: shop\n", "    - name: shop\n      requests: {cpu: 100m, memory: 1Gi}\n"
    )
    found = parse_landscape(text).deployment("shop/production").requests
    assert found.cpu == 3
    assert found.memory == 1024**3


@pytest.mark.parametrize(
    ("old", "new", "place", "words", "hint"),
    [
        ("kind: Landscape", "kind: Landscap", "2:7", "kind is 'Landscap'", "kind: Landscape"),
        ("ringfence.dev/v1", "ringfence.dev/v2", "1:13", "apiVersion", "v1"),
        ("metadata: {name: tiny}", "metadata: {nam: tiny}", "3:12", "metadata.name is missing", "name: clinic"),
        ("metadata: {name: tiny}", "metadata: {name: Tiny_One}", "3:18", "lower-case", "'tiny-one'"),
        ("name: tiny", "name: true", "3:18", "must be a text", "quotes"),
        ("metadata: {name: tiny}", "metadata: {name: " + "a" * 64 + "}", "3:18", "64 characters", ""),
        ("  applications:", "  aplications:", "5:3", "spec.applications is missing", ""),
        ("spec:\n", "spec:\n  postur: minimum\n", "5:3", "no key 'postur'", "'posture'"),
        ("spec:\n", "spec:\n  posture: minimal\n", "5:12", "one of minimum, recommended", "'minimum'"),
        ("spec:\n", "spec:\n  regulations: [iso-27002]\n", "5:17", "no regulation pack", "'iso-27001'"),
        ("spec:\n", "spec:\n  regulations: [mdr, mdr]\n", "5:22", "named twice", ""),
        ("spec:\n", "spec:\n  regulations: [./none.yaml]\n", "5:17", "cannot be read", ""),
        ("copies: 2", "copies: 0", "8:27", "whole number from 1", ""),
        ("copies: 2", "copies: two", "8:27", "whole number", ""),
        ("copies: 2", "copies: 99999999999999999999", "8:27", "whole number", ""),
        ("copies: 2", "copys: 2", "8:19", "no key 'copys'", "'copies'"),
        ("        production: {}", "        prodction: {}", "9:9", "no stage is called", "'production'"),
        ("    - name: shop", "    - name: shop\n      zone: care", "7:13", "no zone is called", "spec.zones"),
        ("    - name: shop", "    - name: shop\n      needs: [postgres]", "7:15", "no service", "'postgresql'"),
        ("    - name: shop", "    - name: shop\n      requests: {cpu: 2 cores}", "7:23", "quantity", ""),
        ("    - name: shop", "    - name: shop\n      requests: {cpu: -1}", "7:23", "0 or more", ""),
        ("    - name: shop", "    - name: shop\n      requests: {memory: 1e999}", "7:26", "below 2^63", ""),
        ("    - name: shop", "    - name: shop\n      source: {helm: a, kustomize: b}", "7:15", "one of helm", ""),
        ("    - name: shop", "    - name: " + "a" * 60, "8:9", "namespace", "shorter"),
        ("  applications:", "  costs: {node: {fill: 1.5}}\n  applications:", "5:24", "at most 1", ""),
        ("  applications:", "  costs: {node: {cpu: 0}}\n  applications:", "5:23", "more than 0", ""),
        ("  applications:", "  costs: {cluster: -5}\n  applications:", "5:20", "0 or more", ""),
        ("  applications:", "  costs: {cluster: .inf}\n  applications:", "5:20", "0 or more", ""),
        ("  applications:", "  holidays: {timezone: Mars/Base}\n  applications:", "5:24", "IANA", ""),
        ("  applications:", "  holidays: {alsoOff: [2026-02-30]}\n  applications:", "5:24", "a date", ""),
        ("  applications:", "  stages: {prod: {}}\n  applications:", "5:12", "no stage", "renames"),
        ("  applications:", "  teams: [a]\n  applications:", "5:10", "mapping", ""),
    ],
)  # fmt: skip
def test_errors_name_the_place_and_what_would_be_right(old: str, new: str, place: str, words: str, hint: str) -> None:
    assert old in SHORT
    with pytest.raises(InputError) as caught:
        parse_landscape(SHORT.replace(old, new, 1))
    assert f"ringfence.yaml:{place}" == str(caught.value.location)
    assert words in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("line", "place", "words", "hint"),
    [
        ("separate: [{between: {stag: testing}, and: {}, level: node}]", "10:25", "no key 'stag'", "'stage'"),
        ("separate: [{between: {stage: test}, and: {}, level: node}]", "10:32", "no stage is called", "'testing'"),
        ("separate: [{between: {stage: []}, and: {}, level: node}]", "10:32", "a value or a list", ""),
        ("separate: [{between: {}, and: {}, level: pod}]", "10:44", "one of labels", ""),
        ("separate: [{between: {}, level: node}]", "10:14", "and is missing", "and:"),
        ("together: [{deployments: [shop/testing], in: pool}]", "10:29", "no deployment", "shop/testing-1"),
        ("together: [{deployments: [], in: pool}]", "10:28", "a list of deployments", ""),
        ("together: [{deployments: [shop/testing-1], in: node}]", "10:50", "one of namespace, pool", ""),
        ("declared: [{from: shop/testing-1, to: shop/production, ports: [http]}]", "10:66", "443/TCP", ""),
        ("services: {postgresql: {image: \"postgres'\"}}", "10:34", "an image", ""),
        ("services: {postgresql: {image: postgres@sha256:abc}}", "10:34", "an image", ""),
    ],
)  # fmt: skip
def test_errors_in_rules(line: str, place: str, words: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_landscape(with_spec(line))
    assert f"ringfence.yaml:{place}" == str(caught.value.location)
    assert words in caught.value.message
    assert hint in (caught.value.hint or "")


def test_two_deployments_never_share_a_namespace_by_accident() -> None:
    text = SHORT.replace(
        "  applications:\n", "  applications:\n    - {name: shop-testing, deployments: {production: {}}}\n"
    ) + ("  stages: {testing-production: {like: testing, after: testing}}\n")
    text = text.replace("        production: {}", "        production: {}\n        testing-production: {}")
    with pytest.raises(InputError, match="both live in the namespace shop-testing-production"):
        parse_landscape(text)


def test_a_pack_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(
        "apiVersion: ringfence.dev/v1\nkind: RegulationPack\nmetadata: {name: ours}\nspec:\n  clauses:\n"
        "    - {clause: '1', summary: x, requires: [{between: {stage: prod}, and: {}, level: cluster}]}\n"
    )
    path = tmp_path / "ringfence.yaml"
    path.write_text(SHORT + "  regulations: [./ours.yaml]\n")
    with pytest.raises(InputError, match=r"ours\.yaml:6:62: .*packs speak of"):
        load_landscape(path)
    (tmp_path / "ours.yaml").write_text((tmp_path / "ours.yaml").read_text().replace("prod}", "production}"))
    from ringfence.landscape.packs import _read

    _read.cache_clear()
    assert load_landscape(path).regulations == ("./ours.yaml",)
