"""What a run of a suite found: outcomes from the files the suites write, and the page kept in docs/conformance."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

Verdict = Literal["passed", "failed", "skipped"]
_TESTNG: dict[str, Verdict] = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
_CTL: dict[str, Verdict] = {"0": "passed", "1": "passed", "2": "skipped", "3": "skipped", "4": "passed", "6": "failed"}
"""Results of TEAM Engine; 5 is a failure of a test within, which is listed itself."""
INHERITED = "5"
CRS = "http://www.opengis.net/def/crs/"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test: where it belongs, what it is called, how it ended and what it said."""

    group: str
    name: str
    verdict: Verdict
    message: str = ""


def testng_outcomes(file: Path) -> list[Outcome]:
    """The tests in a testng-results.xml; methods that only prepare are left out unless they failed."""
    found = []
    for test in ElementTree.parse(file).getroot().iter("test"):
        for method in test.iter("test-method"):
            verdict = _TESTNG[method.get("status", "FAIL")]
            if method.get("is-config") and verdict == "passed":
                continue
            message = " ".join((method.findtext("exception/message") or "").split())
            found.append(Outcome(test.get("name", ""), f"{method.get('name', '')}{_system(method)}", verdict, message))
    return found


def _system(method: Element) -> str:
    """The reference system that a test was given, where it was given one."""
    values = [(value.text or "").strip() for value in method.iter("value")]
    systems = [value.removeprefix(CRS) for value in values if value.startswith(CRS)]
    return f" {systems[0]}" if systems else ""


def ctl_outcomes(folder: Path) -> list[Outcome]:
    """The tests in the logs that TEAM Engine writes, one file a test."""
    found = []
    for file in sorted(folder.glob("**/log.xml")):
        root = ElementTree.fromstring(_whole(file.read_text("utf-8")))
        start, end = root.find("starttest"), root.find("endtest")
        result = "6" if end is None else end.get("result", "6")
        if start is None or result == INHERITED:
            continue
        said = [
            *(each.text or "" for each in root.iter("message")),
            *(each.text or "" for each in root.iter("exception")),
        ]
        message = " ".join(" ".join(said[-3:]).split())
        name = start.get("local-name", "")
        found.append(Outcome(start.get("prefix", ""), name, _CTL.get(result, "failed"), message))
    return found


def _whole(text: str) -> str:
    return text if text.rstrip().endswith("</log>") else f"{text}</log>"


def failures(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The tests that failed."""
    return [outcome for outcome in outcomes if outcome.verdict == "failed"]


def page(title: str, version: str, run: str, outcomes: Sequence[Outcome], notes: str) -> str:
    """A short page of Markdown: counts by group, and each failure and each reason for skipping once.

    ``run`` says when it ran, and against what.
    """
    groups = sorted({outcome.group for outcome in outcomes})
    lines = [
        f"# {title}",
        "",
        f"The OGC's test suite, version {version}, run on {run}.",
    ]
    lines += [notes, "", "| group | passed | failed | skipped |", "|---|---|---|---|"]
    for group in [*groups, ""]:
        counts = Counter(each.verdict for each in outcomes if not group or each.group == group)
        lines.append(f"| {group or 'all'} | {counts['passed']} | {counts['failed']} | {counts['skipped']} |")
    for verdict, heading in (("failed", "Failed"), ("skipped", "Skipped")):
        lines += [
            "",
            f"## {heading}",
            "",
            *(_listed([each for each in outcomes if each.verdict == verdict]) or ["none"]),
        ]
    return "\n".join(lines) + "\n"


def _listed(outcomes: Sequence[Outcome]) -> list[str]:
    counts = Counter((each.group, each.name, _short(each.message)) for each in outcomes)
    return [
        f"- {group}: {name}{f' ({number} times)' if number > 1 else ''}{f' - {message}' if message else ''}"
        for (group, name, message), number in counts.items()
    ]


def _short(message: str) -> str:
    plain = re.sub(r"http://127\.0\.0\.1:\d+", "", message)
    plain = (
        re.sub(r"Method \S+\(.*?depends on", "depends on", plain).replace("|", "/").replace("<", "").replace(">", "")
    )
    return plain if len(plain) <= 300 else f"{plain[:297]}..."
