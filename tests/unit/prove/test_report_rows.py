"""The chains below the table: each said once, whoever it is about, the broken ones first."""

from ringfence.landscape.model import Level
from ringfence.prove.proof import Answer, Dimension, PairProof, Proof, Step, Verdict
from ringfence.prove.report.rows import HEADERS, LEGEND, chains, findings, rows

CHAIN = Verdict(Answer.BROKEN, (Step("anybody can read", "RoleBinding b/open", "c:rolebinding/b/open"),))
MISSING = Verdict(Answer.UNKNOWN, missing=("list secrets in b: forbidden",))
HOLDS = Verdict(Answer.HOLDS)


def pair(source: str, destination: str, **verdicts: Verdict) -> PairProof:
    dimensions = {one: verdicts.get(one.value, HOLDS) for one in Dimension}
    answers = {one.answer for name, one in verdicts.items() if name != "platform"}
    worst = next((one for one in (Answer.BROKEN, Answer.UNKNOWN) if one in answers), Answer.HOLDS)
    return PairProof(source, destination, Level.NAMESPACE, None, worst, dimensions)


def proof_of(*pairs: PairProof) -> Proof:
    return Proof(Answer.BROKEN, (), pairs)


def test_a_chain_of_many_pairs_and_dimensions_is_one_finding() -> None:
    pairs = [pair(f"a/{number}", "b/production", access=CHAIN, data=CHAIN) for number in range(6)]
    found = findings(proof_of(*pairs))
    assert len(found) == 1
    assert found[0].heading() == (
        "a/0 -> b/production: access, data broken; so 5 pairs more: "
        "a/1 -> b/production, a/2 -> b/production, a/3 -> b/production and 2 more"
    )


def test_what_breaks_stands_before_what_is_unknown() -> None:
    proof = proof_of(pair("a/x", "b/x", access=MISSING, data=CHAIN), pair("b/x", "a/x", network=MISSING))
    assert [one.verdict.answer for one in findings(proof)] == [Answer.BROKEN, Answer.UNKNOWN]


def test_what_is_left_out_is_counted_and_the_next_one_named() -> None:
    steps = [Verdict(Answer.BROKEN, (Step(f"step {number}", "by", "c:pod/x"),)) for number in range(4)]
    proof = proof_of(*(pair(f"a/{number}", "b/x", access=each) for number, each in enumerate(steps)))
    lines = list(chains(proof, most=2))
    assert lines[-2].startswith("... and 2 more")
    assert "'a/2 b/x' access" in lines[-1]


def test_what_was_not_promised_is_no_finding() -> None:
    assert findings(proof_of(pair("a/x", "b/x", platform=CHAIN))) == []


def test_pairs_that_hold_alike_share_a_row_where_there_are_many() -> None:
    held = [pair(f"a/{number}", "b/x") for number in range(30)]
    apart = pair("c/x", "b/x", platform=MISSING)
    broken = [pair(f"d/{number}", "b/x", access=CHAIN) for number in range(2)]
    proof = proof_of(*held, apart, *broken)
    assert len(rows(proof)) == 33
    shown = rows(proof, most=24)
    assert [row[:2] for row in shown] == [("d/0", "b/x"), ("d/1", "b/x"), ("30 pairs", "alike"), ("c/x", "b/x")]
    assert rows(proof_of(*held[:24]), most=24) == rows(proof_of(*held[:24]))


def test_the_table_fits_a_hundred_columns_whatever_the_names() -> None:
    names = ("a" * 300, "ä" * 50 + "/production", "\u202e" * 40, "全角" * 30)
    proof = proof_of(*(pair(name, name[::-1] + "x", access=CHAIN) for name in names))
    shown = [HEADERS, *rows(proof)]
    widths = [max(len(cell) for cell in column) for column in zip(*shown, strict=True)]
    assert sum(widths) + 2 * (len(widths) - 1) <= 100
    assert len(LEGEND) <= 100
