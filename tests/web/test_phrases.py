"""What importers say is told in Chinese: by phrase, by clause, and for every message the quality checks make."""

import re
import tomllib
from pathlib import Path

import pytest
from serving import Served

from web import phrases
from web.phrases import in_chinese

TOLD = {
    "DLBM is '9999', which third-survey does not have": "DLBM 的值 '9999' 不在代码表 third-survey 中",
    "has the same shape as row 6; left out": "图形与第 6 行重复；已剔除",
    "40 added, 0 changed, 2 removed": "新增 40，修改 0，删除 2",
    "made valid: Self-intersection[103.9 30.9]": "已修复图形：Self-intersection[103.9 30.9]",
    "x.shp: the file is empty - ask for the file again": "x.shp：文件为空；请重新索取文件",
    "no phrase stands for this": "no phrase stands for this",
}
QUALITY = Path(phrases.__file__).parents[1] / "importers" / "quality"


@pytest.mark.parametrize("text", TOLD)
def test_a_text_is_told_by_phrase_and_clause(text: str) -> None:
    assert in_chinese(text) == TOLD[text]


def test_every_message_of_the_checks_has_a_phrase() -> None:
    """The f-strings of row and layer checks, their values filled in, come out without English words."""
    templates = []
    for name in ("rows.py", "layer.py"):
        source = (QUALITY / name).read_text("utf-8")
        templates += re.findall(r'(?:yield (?:int\()?index\)?, |self\._at\([^"]*|Fault\(None, )f"([^"]+)"', source)
    assert len(templates) > 8
    for template in templates:
        filled = re.sub(r"\{[^{}]*(\[[^\]]*\])*[^{}]*\}", "7", template)
        assert re.search(r"[\u4e00-\u9fff]", in_chinese(filled)), filled


def test_every_phrase_uses_its_own_slots_only() -> None:
    entries = tomllib.loads(Path(phrases.__file__).with_suffix(".toml").read_text("utf-8"))["phrase"]
    for entry in entries:
        slots = set(re.findall(r"\{(\w+)\}", entry["en"]))
        assert slots == set(re.findall(r"\{(\w+)\}", entry["zh"])), entry["en"]


async def test_problems_are_told_in_the_language_asked_for(served: Served) -> None:
    headers = {"Accept-Language": "zh-CN,zh;q=0.9"}
    wrong = await served.technician.post("/imports", files={"file": ("", b"x")}, headers=headers)
    assert wrong.status_code == 400
    for language, word in (("zh", "没有"), ("en", "there is no")):
        answer = await served.technician.get("/imports/uploads/none", headers={"Accept-Language": language})
        assert word in answer.json()["detail"]
