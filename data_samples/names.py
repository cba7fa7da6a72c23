"""Invented names. None belongs to a person; organisations carry 合成 so that nobody takes them for real."""

from collections.abc import Iterator

FIRST = tuple("青白金玉龙凤石清双三新永长高大东西南北松竹柳桂梅兰云月双福安和兴文武太宝")
SECOND = tuple("林桥河溪沟坝坪湾岭山泉塘堰庙寺井场店铺园田村庄冲坡台楼门渡")
STREET_FIRST = (
    "锦绣",
    "光华",
    "朝阳",
    "天府",
    "牡丹",
    "湔滨",
    "文庙",
    "学府",
    "翠湖",
    "金彭",
    "西干",
    "东升",
    "南门",
    "北街",
    "和平",
    "建设",
    "胜利",
    "团结",
    "丰收",
    "长寿",
    "玉泉",
    "百花",
    "龙塔",
    "回龙",
    "外北",
    "航空",
    "工业",
    "迎宾",
    "繁阳",
    "柳河",
    "桂苑",
    "梨园",
    "梅林",
    "翰林",
    "书院",
    "文化",
    "康复",
    "体育",
    "市民",
    "通济",
    "延秀",
)
TRADE = (
    "机械",
    "食品",
    "建材",
    "商贸",
    "物流",
    "科技",
    "农业",
    "化工",
    "纺织",
    "医药",
    "餐饮",
    "装饰",
    "电子",
    "家居",
    "汽修",
    "种业",
)


def unique_names(suffix: str, start: int = 0) -> Iterator[str]:
    """Two-character names, each once, in a fixed scattered order."""
    total = len(FIRST) * len(SECOND)
    for k in range(total):
        n = ((k + start) * 397 + 11) % total
        yield FIRST[n // len(SECOND)] + SECOND[n % len(SECOND)] + suffix


def organisation(number: int, town: str) -> str:
    """Name of an invented organisation."""
    pair = FIRST[number * 7 % len(FIRST)] + SECOND[number * 11 % len(SECOND)]
    return f"合成·{town[:2]}{pair}{TRADE[number * 5 % len(TRADE)]}有限公司"


def street(number: int) -> str:
    """Name of a street in a seat or town."""
    kind = ("路", "街", "巷", "中路", "东街")[number // len(STREET_FIRST) % 5]
    return STREET_FIRST[number % len(STREET_FIRST)] + kind
