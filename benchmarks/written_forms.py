"""How Chinese is written: numerals, the common characters, and characters that look alike."""

from functools import cache

DIGITS = "零一二三四五六七八九"
_GROUPS = (
    " 末未 己已 土士工 大太天夫 日目曰 田由甲 井并 林材村 河何 沟沪 坝坎 坪坢"
    " 湾弯 山出 泉皇 塘溏糖 堰偃 庙届庄 寺等 场扬 店居 铺辅 冲沖 坡披 台合"
    " 楼搂 门闪 渡度 桥侨 溪奚 青清 白自 金全 玉王主 龙尤 凤风 石右 双汉 永水"
    " 长张 高亮 东车 西酉 南楠 北比 松忪 竹行 柳抑 桂挂佳 梅悔 云去 月用 福富"
    " 安按 和知 兴光 文丈 武式 宝玉 锦绵 朝潮 阳阴 府附 牡牧 丹舟 学字 翠粹"
    " 湖糊 彭澎 干千 升开 街衔 路踣 平乎 建健 设没 胜性 利刊 团困 结洁 丰手"
    " 收攸 寿春 百自 花化 塔搭 回四 外处 航杭 空宫 业亚 迎仰 宾兵 繁敏 苑宛"
    " 梨犁 翰瀚 书节 院皖 康唐 复夏 体休 育盲 市巾 民氏 通诵 济挤 延廷 秀透"
    " 内肉 环坏 致到 丽而 鹿麓 敖傲 葛曷 仙仕 尺尽 隆降 濛蒙 景影 社杜 区匹"
    " 镇填 道遒 岭岑 园圆 新析 湔前"
)


def _look_alikes() -> dict[str, tuple[str, ...]]:
    alike: dict[str, list[str]] = {}
    for group in _GROUPS.split():
        for one in group:
            alike.setdefault(one, []).extend(other for other in group if other != one)
    return {one: tuple(others) for one, others in alike.items()}


LOOK_ALIKES = _look_alikes()
"""For a character, those it is taken for."""


@cache
def common_characters() -> str:
    """The 3 755 characters of the first level of GB 2312."""
    codes = (bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    return "".join(code.decode("gb2312", "ignore") for code in codes)


def chinese_number(number: int) -> str:
    """A number from 1 to 9 999 in Chinese numerals: 123 is 一百二十三."""
    text, zero = "", False
    for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // power % 10
        if digit:
            text += ("零" if zero and text else "") + DIGITS[digit] + unit
            zero = False
        else:
            zero = bool(text)
    return text.removeprefix("一") if 10 <= number < 20 else text
