"""The verdict of the regression gate as JUnit XML, which continuous integration shows: one case per metric."""

from __future__ import annotations

from xml.etree import ElementTree

from bench.contract.regression import RegressionRecord
from reports.regression import heading, sentence, verdict_in_words
from reports.words import printable


def junit(record: RegressionRecord) -> str:
    """A document with one suite: worse is a failure, not shown is skipped, each with its sentence; others pass."""
    counts = {verdict: sum(line.verdict == verdict for line in record.lines) for verdict in ("worse", "not shown")}
    about = {
        "tests": str(len(record.lines)),
        "failures": str(counts["worse"]),
        "errors": "0",
        "skipped": str(counts["not shown"]),
    }
    suites = ElementTree.Element("testsuites", about)
    suite = ElementTree.SubElement(
        suites, "testsuite", {"name": printable(heading(record)), "timestamp": record.created, "time": "0", **about}
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (
        ("verdict", record.verdict),
        ("exit code", str(int(record.exit_code))),
        ("reference sha256", record.reference_sha256),
        ("protocol sha256", record.protocol_sha256),
        ("command", record.command),
    ):
        ElementTree.SubElement(properties, "property", {"name": name, "value": printable(value)})
    for line in record.lines:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": f"regress.{printable(record.reference)}", "name": line.metric, "time": "0"}
        )
        said = printable(sentence(line))
        if line.verdict == "worse":
            ElementTree.SubElement(case, "failure", {"message": said, "type": "worse"}).text = said
        elif line.verdict == "not shown":
            ElementTree.SubElement(case, "skipped", {"message": said})
        else:
            ElementTree.SubElement(case, "system-out").text = said
    ElementTree.SubElement(suite, "system-out").text = printable(verdict_in_words(record))
    ElementTree.indent(suites, " ")
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"
