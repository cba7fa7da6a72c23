"""Addresses as people write them: seeded disturbances of the sample's addresses, and which rows each can still mean.

A kind of disturbance stands for a habit or an accident seen in lists of addresses, not for anything a geocoder does.
The truth of a disturbed address is the row it was made from. Where what is left fits several rows equally, they are all
named in ``fits``; this is found from the rows alone. Digits are never mistyped: another number is another address.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

from pypinyin import lazy_pinyin

from benchmarks.address_register import Register, Row, Written, one_off, same_but_for_kind, sounds_alike
from benchmarks.written_forms import LOOK_ALIKES, chinese_number, common_characters
from data_samples.place import COUNTY_NAME

KINDS = {
    "as-written": "the standard address itself",
    "character": "a wrong, missing or additional character in a name, of any sound or shape",
    "sound": "a character of a name replaced by another of the same sound, as typed with pinyin",
    "shape": "a character of a name replaced by one that looks like it, as read from a scan",
    "no-county": "the county left out",
    "more-prefix": "province and city before it, or the county written twice",
    "full-width": "digits of full width",
    "chinese-number": "the door number in Chinese numerals",
    "no-hao": "the door number without 号",
    "spaces": "spaces and commas between parts",
    "no-town": "street or town left out",
    "sub-number": "a sub-number that the register does not have (附3号, 之三, -3)",
    "room": "building, unit, floor and room, or a note in brackets, behind the number",
    "order": "parts in another order: the town or county behind, or the smallest first",
    "short": "kinds left out of names: 天彭 for 天彭街道",
    "other-kind": "the wrong kind of road or settlement: 街 for 路, 村 for 社区",
    "old-county": "the county under its name as a county, 彭县",
    "other-town": "a neighbouring town that has no such address",
    "village-too": "the village written between town and street",
    "two": "two of these at once",
}
"""What each kind of disturbance stands for."""
OTHER_KINDS = (("路", "街"), ("大道", "路"), ("街", "路"), ("巷", "路"), ("社区", "村"), ("村", "社区"))
_SHORTER = re.compile(r"(街道|镇|乡|社区|村)$")


def disturbed(register: Register, count: int, seed: int) -> Iterator[Written]:
    """``count`` addresses, the kinds in turn, each of a row drawn at random."""
    rng = random.Random(seed)
    kinds = list(KINDS)
    for number in range(count):
        made = None
        while made is None:
            made = _made(kinds[number % len(kinds)], rng.choice(register.rows), register, rng)
        yield made


def _made(kind: str, row: Row, register: Register, rng: random.Random) -> Written | None:
    plain = Written(kind, row, _parts(row), frozenset({"town", "street" if row.street else "village"}))
    if kind != "two":
        return _WAYS[kind](plain, register, rng)
    names = [name for name in _WAYS if name not in ("as-written", "other-town", "village-too")]
    first, second = rng.sample(names, 2)
    once = _WAYS[first](plain, register, rng)
    if once is None or len(once.parts) != len(plain.parts):
        return None
    twice = _WAYS[second](once, register, rng)
    return None if twice is None or (once.name and twice.name != once.name) else twice


def _parts(row: Row) -> tuple[str, ...]:
    group = f"{row.group}组" if row.group else ""
    return (COUNTY_NAME, row.town, row.street or row.village, group, f"{row.number}号")


def _with(written: Written, place: int, text: str) -> Written:
    return replace(written, parts=(*written.parts[:place], text, *written.parts[place + 1 :]))


def _misnamed(
    written: Written,
    register: Register,
    rng: random.Random,
    change: Callable[[str, random.Random], str | None],
    could_be: Callable[[str, str], bool],
) -> Written | None:
    """One name written wrongly; none where the outcome is another name of the register."""
    part = rng.choice(sorted(written.kept)) if written.kept else ""
    place = 1 if part == "town" else 2
    true = getattr(written.truth, part) if part else ""
    if written.name or not part or written.parts[place] != true:
        return None
    form = change(true, rng)
    if form is None or form in register.names[part]:
        return None
    misnamed = replace(written, kept=written.kept - {part}, name=(part, form), could_be=could_be)
    return _with(misnamed, place, form)


def _character(written: Written, register: Register, rng: random.Random) -> Written | None:
    def change(name: str, rng: random.Random) -> str:
        at, stranger = rng.randrange(len(name)), rng.choice(common_characters())
        return rng.choice(
            (name[:at] + stranger + name[at + 1 :], name[:at] + name[at + 1 :], name[:at] + stranger + name[at:])
        )

    return _misnamed(written, register, rng, change, one_off)


def _sound(written: Written, register: Register, rng: random.Random) -> Written | None:
    def change(name: str, rng: random.Random) -> str | None:
        at = rng.randrange(len(name))
        others = [one for one in same_sound(name[at]) if one != name[at]]
        return name[:at] + rng.choice(others) + name[at + 1 :] if others else None

    return _misnamed(written, register, rng, change, sounds_alike)


def _shape(written: Written, register: Register, rng: random.Random) -> Written | None:
    def change(name: str, rng: random.Random) -> str | None:
        places = [at for at, one in enumerate(name) if one in LOOK_ALIKES]
        if not places:
            return None
        at = rng.choice(places)
        return name[:at] + rng.choice(LOOK_ALIKES[name[at]]) + name[at + 1 :]

    return _misnamed(written, register, rng, change, one_off)


@cache
def same_sound(character: str) -> tuple[str, ...]:
    """The common characters read as one is, without tones."""
    sound = lazy_pinyin(character)
    return tuple(one for one in common_characters() if lazy_pinyin(one) == sound)


def _more_prefix(written: Written, _register: Register, rng: random.Random) -> Written:
    before = rng.choice(("四川省成都市", "四川省", "成都市", "中国四川省成都市", COUNTY_NAME, "四川成都"))
    return _with(written, 0, before + written.parts[0])


def _finishing(change: Callable[[str, random.Random], str]) -> Callable[[Written, Register, random.Random], Written]:
    def way(written: Written, _register: Register, rng: random.Random) -> Written:
        seed = rng.random()
        return replace(written, finish=(*written.finish, lambda text: change(text, random.Random(seed))))

    return way


def _at_number(change: Callable[[str, random.Random], str]) -> Callable[[Written, Register, random.Random], Written]:
    def way(written: Written, _register: Register, rng: random.Random) -> Written:
        return _with(written, 4, change(written.parts[4], rng))

    return way


def _chinese(number: str, _rng: random.Random) -> str:
    return re.sub(r"\d+", lambda found: chinese_number(int(found[0])), number)


def _sub_number(number: str, rng: random.Random) -> str:
    sub = rng.randint(1, 12)
    return rng.choice(
        (f"{number}附{sub}号", f"{number}之{chinese_number(sub)}", f"{number.removesuffix('号')}-{sub}号")
    )


def _room(number: str, rng: random.Random) -> str:
    notes = (
        f"{rng.randint(1, 20)}栋{rng.randint(1, 4)}单元{rng.randint(1, 18)}0{rng.randint(1, 6)}室",
        f"{rng.randint(1, 20)}幢{rng.randint(1, 4)}-{rng.randint(1, 18)}-{rng.randint(1, 6)}",
        f"{rng.randint(1, 6)}楼{rng.randint(1, 20)}室",
        f"{chinese_number(rng.randint(1, 6))}楼",
        "（张记面馆旁边）",
        "(原农机站)",
        "【快递放门卫】",
        f"{rng.randint(1, 18)}0{rng.randint(1, 6)}",
    )
    return number + (" " if number[-1].isdigit() else "") + rng.choice(notes)


def _spaces(text: str, rng: random.Random) -> str:
    ends = [at + 1 for at, (one, after) in enumerate(pairwise(text)) if one in "市道镇路社区村组号街" and after != "道"]
    for at in sorted(rng.sample(ends, min(len(ends), rng.randint(1, 3))), reverse=True):
        text = text[:at] + rng.choice((" ", "  ", "\u3000", "，", ",", "、")) + text[at:]
    return rng.choice(("", " ")) + text + rng.choice(("", " ", "。"))


def _order(written: Written, _register: Register, rng: random.Random) -> Written | None:
    if len(written.parts) != 5:
        return None
    county, town, place, group, number = written.parts
    orders = (
        (place, group, number, town, county),
        (county, place, group, number, town),
        (town, place, group, number, county),
        (town, county, place, group, number),
    )
    parts = list(rng.choice(orders))
    return replace(written, parts=(*parts[:1], "，" if rng.random() < 0.5 else "", *parts[1:]))


def _short(written: Written, _register: Register, rng: random.Random) -> Written | None:
    places = [at for at in (1, 2) if _SHORTER.search(written.parts[at])]
    if not places or written.name:
        return None
    for at in rng.sample(places, rng.randint(1, len(places))):
        written = _with(written, at, _SHORTER.sub("", written.parts[at]))
    return _of_any_kind(written)


def _other_kind(written: Written, register: Register, rng: random.Random) -> Written | None:
    part = "street" if written.truth.street else "village"
    name = getattr(written.truth, part)
    forms = [name.removesuffix(old) + new for old, new in OTHER_KINDS if name.endswith(old)]
    if not forms or forms[0] in register.names[part] or written.parts[2] != name or written.name:
        return None
    return _of_any_kind(_with(written, 2, forms[0]))


def _of_any_kind(written: Written) -> Written:
    part = "street" if written.truth.street else "village"
    name = (part, written.parts[2])
    return replace(written, kept=written.kept - {part}, name=name, could_be=same_but_for_kind)


def _other_town(written: Written, register: Register, rng: random.Random) -> Written | None:
    others = sorted(register.names["town"] - {written.truth.town})
    town = rng.choice(others) if others else ""
    if not town or register.has(written.truth, town=town):
        return None
    return _with(replace(written, kept=written.kept - {"town"}), 1, town)


def _village_too(written: Written, _register: Register, _rng: random.Random) -> Written | None:
    if not written.truth.street:
        return None
    both = replace(written, kept=written.kept | {"village"})
    return _with(both, 2, written.truth.village + written.parts[2])


def _no_town(written: Written, _register: Register, _rng: random.Random) -> Written | None:
    if written.name and written.name[0] == "town":
        return None
    return _with(replace(written, kept=written.kept - {"town"}), 1, "")


_WAYS: dict[str, Callable[[Written, Register, random.Random], Written | None]] = {
    "as-written": lambda written, _register, _rng: written,
    "character": _character,
    "sound": _sound,
    "shape": _shape,
    "no-county": lambda written, _register, _rng: _with(written, 0, ""),
    "more-prefix": _more_prefix,
    "full-width": _finishing(lambda text, _: text.translate({0x30 + n: 0xFF10 + n for n in range(10)})),
    "chinese-number": _at_number(_chinese),
    "no-hao": _at_number(lambda number, _: number.removesuffix("号")),
    "spaces": _finishing(_spaces),
    "no-town": _no_town,
    "sub-number": _at_number(_sub_number),
    "room": _at_number(_room),
    "order": _order,
    "short": _short,
    "other-kind": _other_kind,
    "old-county": lambda written, _register, _rng: _with(written, 0, "彭县"),
    "other-town": _other_town,
    "village-too": _village_too,
}
