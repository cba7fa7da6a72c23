"""Which address is meant: the grades, what differs, and what is not guessed; over a small register of its own."""

import pytest

from cim.model.doors import Door, Doors
from cim.model.gazetteer import Area, Gazetteer
from cim.model.geocoding import LEAST_SCORE, Answer, MatchGrade, best_match, understand, wanted_places

TOWNS = [Area("t1", "天彭街道", "", 103.95, 30.99), Area("t2", "白鹿镇", "", 103.94, 31.2)]
VILLAGES = [
    Area("t1v1", "青塘社区", "t1", 103.96, 30.99),
    Area("t1v2", "大河社区", "t1", 103.95, 30.99),
    Area("t2v1", "新寺村", "t2", 103.95, 31.21),
]


def door(key: str, street: str, number: str, town: str, village: str, group: str = "") -> Door:
    names = {area.code: area.name for area in (*TOWNS, *VILLAGES)}
    address = f"彭州市{names[town]}{street or names[village]}{group}{number}"
    return Door(key, address, street, number, town, village, f"B{key}", 103.9 + len(key) / 1000, 31.0)


ROWS = [
    *(door(f"a{n}", "梨园路", f"{n}号", "t1", "t1v1") for n in (1, 2, 3, 5, 8)),
    door("b1", "梨园路", "1号", "t1", "t1v2"),
    door("c7", "金彭大道", "7号", "t1", "t1v1"),
    door("c9a", "金彭大道", "9号附2号", "t1", "t1v1"),
    door("d4", "梨园路", "4号", "t2", "t2v1"),
    door("e12", "", "12号", "t2", "t2v1", "3组"),
    door("f12", "", "12号", "t1", "t1v2", "1组"),
]
NAMES = Gazetteer(
    TOWNS,
    VILLAGES,
    sorted({(one.street, one.town) for one in ROWS if one.street}),
    ["彭州市", "彭县"],
    ["四川省", "成都市"],
)


def found(text: str) -> Answer:
    asked = understand(text, NAMES)
    streets, villages = wanted_places([asked], NAMES)
    return best_match(asked, NAMES, Doors(one for one in ROWS if one.street in streets or one.village in villages))


@pytest.mark.parametrize(
    ("text", "grade", "key"),
    [
        ("彭州市天彭街道梨园路3号", "exact", "a3"),
        ("四川省成都市彭州市天彭街道梨园路三号", "exact", "a3"),
        ("彭县天彭镇梨园路3号2栋1单元", "exact", "a3"),
        ("天彭犁园路3", "exact", "a3"),
        ("天彭犁圆路3", "similar", "a3"),
        ("天彭街道桃园路3号", "similar", "a3"),
        ("天彭街道桃园路3号附1号", "similar", "a3"),
        ("白鹿镇金彭大道7号", "similar", "c7"),
        ("新都区天彭街道梨园路3号", "similar", "a3"),
        ("梨园路３号，天彭街道，彭州市", "exact", "a3"),
        ("天彭街道青塘社区梨园路1号", "exact", "a1"),
        ("天彭街道大河社区梨园路1号", "exact", "b1"),
        ("白鹿镇梨园路4号", "exact", "d4"),
        ("天彭街道梨园路5号附3号", "near-number", "a5"),
        ("天彭街道梨园路7号", "near-number", "a5"),
        ("金彭大道9号附2号", "exact", "c9a"),
        ("金彭大道9号", "near-number", "c9a"),
        ("白鹿镇新寺村3组12号", "exact", "e12"),
        ("新寺3组12号", "exact", "e12"),
        ("新市村3组12号", "exact", "e12"),
    ],
)
def test_doors(text: str, grade: str, key: str) -> None:
    answer = found(text)
    assert answer.best.door is not None
    assert (answer.best.grade, answer.best.door.id) == (grade, key)
    assert LEAST_SCORE <= answer.best.score <= 1.0
    assert not answer.ambiguous


@pytest.mark.parametrize(
    ("text", "grade", "address"),
    [
        ("天彭街道梨园路", "street", "天彭街道梨园路"),
        ("天彭街道梨园路500号", "street", "天彭街道梨园路"),
        ("天彭街道桃园路7号", "street", "天彭街道梨园路"),
        ("白鹿镇新寺村", "village", "白鹿镇新寺村"),
        ("白鹿镇新寺村77组900号", "village", "白鹿镇新寺村"),
        ("白鹿镇", "town", "白鹿镇"),
        ("彭州市白鹿镇春熙路9号", "town", "白鹿镇"),
    ],
)
def test_what_is_coarser_than_a_door(text: str, grade: str, address: str) -> None:
    best = found(text).best
    assert (best.grade, best.address, best.door) == (grade, address, None)
    assert best.lon is not None
    assert best.lat is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "彭州市",
        "12号",
        "成都市锦江区春熙路9号",
        "绵阳市涪城区梨园路3号",
        "北京市朝阳区建国路88号",
        "电话028-83701234",
        "王先生收",
        "Lorem ipsum 3",
    ],
)
def test_nothing_is_guessed(text: str) -> None:
    answer = found(text)
    assert answer.best.grade is MatchGrade.NONE
    assert (answer.best.score, answer.best.lon, answer.equals) == (0.0, None, ())


def test_equals_are_told() -> None:
    answer = found("天彭街道梨园路1号")
    assert answer.ambiguous
    assert {answer.best.door and answer.best.door.id, *(m.door.id for m in answer.equals if m.door)} == {"a1", "b1"}
    assert found("天彭街道青塘社区梨园路1号").runner_up is not None


def test_parts_that_differ_are_named_and_cost_score() -> None:
    plain = found("彭州市天彭街道梨园路3号").best
    assert set(plain.agreed) == {"county", "town", "street", "number"}
    assert plain.score == 1.0
    for text, part in (
        ("彭州市白鹿镇金彭大道7号", "town"),
        ("新都区天彭街道梨园路3号", "county"),
        ("天彭街道大河社区梨园路3号", "village"),
        ("白鹿镇新寺村9组12号", "group"),
        ("天彭街道金彭大道8号", "number"),
    ):
        best = found(text).best
        assert part in best.differs, text
        assert best.score < 1.0, text


def test_a_street_spelled_otherwise_scores_less_the_more_it_differs() -> None:
    scores = [found(f"天彭街道{street}3号").best.score for street in ("梨园路", "犁园路", "桃园路")]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3
