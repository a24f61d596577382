"""A proof as JUnit XML: a test suite for each pair, a test case for each dimension that was promised."""

from xml.etree import ElementTree as ET

from ringfence.base.text import printable
from ringfence.prove.proof import Answer, Dimension, Proof, Verdict
from ringfence.prove.report.rows import verdict_lines


def junit(proof: Proof) -> str:
    """The XML text. Broken is a failure, unknown an error, what is not promised is skipped."""
    root = ET.Element("testsuites", name="ringfence prove")
    for pair in proof.pairs:
        wanted = pair.counted
        name = printable(f"{pair.source} -> {pair.destination}")
        failures = sum(pair.dimensions[item].answer is Answer.BROKEN for item in wanted)
        errors = sum(pair.dimensions[item].answer is Answer.UNKNOWN for item in wanted)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(len(Dimension)),
            failures=str(failures),
            errors=str(errors),
            skipped=str(len(Dimension) - len(wanted)),
        )
        for dimension in Dimension:
            case = ET.SubElement(suite, "testcase", classname=name, name=dimension.value)
            _outcome(case, pair.dimensions[dimension], promised=dimension in wanted)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _outcome(case: ET.Element, verdict: Verdict, *, promised: bool) -> None:
    if not promised:
        ET.SubElement(case, "skipped", message=f"not promised; {verdict.answer.value}")
        return
    if verdict.answer is Answer.HOLDS:
        return
    tag = "failure" if verdict.answer is Answer.BROKEN else "error"
    element = ET.SubElement(case, tag, message=verdict.answer.value)
    element.text = "\n".join(verdict_lines(verdict))
