"""Whatever analyses put into their summaries has a name that people can read."""

import ast
from collections.abc import Iterator
from pathlib import Path

import cim.analysis
from cim.model.analysis import Answer
from cim.model.analysis_words import in_chinese, summary_words


def summaries() -> Iterator[ast.Dict]:
    """The dictionaries in the source of the analyses that stand for summaries."""
    for path in Path(cim.analysis.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Assign(targets=[ast.Name(id="summary")], value=ast.Dict() as written):
                    yield written
                case ast.AnnAssign(target=ast.Name(id="summary"), value=ast.Dict() as written):
                    yield written
                case ast.AugAssign(target=ast.Name(id="summary"), value=ast.Dict() as written):
                    yield written
                case ast.keyword(arg="summary", value=ast.Dict() as written):
                    yield written
                case ast.FunctionDef(name="_summary" | "heights_told"):
                    yield from (
                        one.value
                        for one in ast.walk(node)
                        if isinstance(one, ast.Return) and isinstance(one.value, ast.Dict)
                    )


def test_every_entry_of_a_summary_has_a_name() -> None:
    names = {key.value for written in summaries() for key in written.keys if isinstance(key, ast.Constant)}
    assert len(names) > 150
    assert names - summary_words().keys() == set()


def test_an_answer_says_what_its_figures_are_called() -> None:
    words = Answer(summary={"served": 12, "moment": "night", "others": 1}).document()["summary_words"]
    assert words["served"] == {"title": {"zh": "已安置", "en": "Placed"}, "unit": "人"}
    assert words["moment"]["values"]["night"] == {"zh": "夜间", "en": "night"}
    assert "others" not in words


def test_a_document_says_it_in_chinese() -> None:
    assert in_chinese("served", 12) == ("已安置（人）", 12)
    assert in_chinese("moment", "night") == ("时段", "夜间")
    assert in_chinese("others", 1) == ("others", 1)
