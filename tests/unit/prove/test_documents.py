"""What the documentation says of proofs is what they are: the schema, the rules."""

import json
from pathlib import Path

import jsonschema

from ringfence.base.errors import Location
from ringfence.prove.report.junit import junit
from ringfence.prove.report.rulebook import rulebook
from ringfence.prove.report.sarif import sarif
from unit.prove.proof_worlds import base, grant, proof, rule, thing

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def test_the_page_of_rules_is_what_the_rules_say() -> None:
    assert (REFERENCE / "rules.md").read_text(encoding="utf-8") == rulebook()


def test_proofs_fit_their_schema() -> None:
    schema = json.loads((REFERENCE / "schemas" / "proof.schema.json").read_text(encoding="utf-8"))
    for objects in (base(), base()[:3], [*base(), *grant("user:alice", [rule("*", "*", "*")])]):
        jsonschema.validate(proof(objects).to_json(), schema)


def test_reports_name_the_object_that_allows_it() -> None:
    found = proof([*base(), *grant("user:alice", [rule("get", "secrets")], "shop")])
    log = sarif(found, lambda name: None, "0")
    names = {
        place["logicalLocations"][0]["fullyQualifiedName"]
        for result in log["runs"][0]["results"]
        for place in result["locations"]
    }
    assert "prod:rolebinding/shop/given" in names
    text = junit(found)
    assert "<failure" in text
    assert "alice can get secrets" in text


def test_reports_hold_what_counts_and_nothing_else() -> None:
    leak = [*base(), *grant("user:alice", [rule("get", "secrets")], "shop")]
    found = proof(leak, level="labels")
    results = sarif(found, lambda name: None, "0")["runs"][0]["results"]
    # Only the network was promised; what happens to production's data counts all the same.
    assert [item["ruleId"] for item in results] == ["ringfence/data"]
    assert junit(found).count("<failure") == 1
    assert found.answer.value == "broken"


def test_files_are_named_so_that_code_hosts_find_them() -> None:
    leak = proof([*base(), *grant("user:alice", [rule("get", "secrets")], "shop")])
    for given, uri in (("deploy/my file.yaml", "deploy/my%20file.yaml"), ("/a b/x.yaml", "file:///a%20b/x.yaml")):
        log = sarif(leak, lambda name, given=given: Location(given, 3), "0")  # type: ignore[misc] # bound now
        place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
        assert place == {"artifactLocation": {"uri": uri}, "region": {"startLine": 3}}


def test_every_result_of_sarif_has_a_place_that_code_hosts_show() -> None:
    unknown = proof([*base(), thing("example.com/v1", "Gadget", "g", "shop")])
    log = sarif(unknown, lambda name: None, "0", Location("partitions/shop.yaml", 1))
    (run,) = log["runs"]
    assert run["results"]
    for result in run["results"]:
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"] == "partitions/shop.yaml"
        # The format lets results of other kinds than "fail" have no level, and a rule's index must be the rule's.
        assert result.get("kind", "fail") == "fail"
        assert result["level"] == {"broken": "error", "unknown": "warning"}[result["properties"]["verdict"]]
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    prints = [result["partialFingerprints"]["pairAndDimension/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
