"""What a reader of the picture must know: how sure the figures are, and every layer that could not be told."""

from collections.abc import Iterator, Sequence

from cim.analysis.incident_picture.figures import Figure
from cim.analysis.incident_picture.material import Material
from cim.analysis.incident_picture.people import MOST_OF_ESTIMATE
from cim.analysis.incident_picture.reader import EMPTY, HIDDEN, MISSING, PARTIAL
from cim.analysis.incident_picture.sensing import MOST_ALARMS, MOST_DEVICES, MOST_SHOWN
from cim.model.analysis import Finding, Title, Verdict

OUTSIDE_SHARE = 0.0005
METHOD_NIGHT = "夜间：全部实有人口按在家计"
METHOD_DAY = (
    "白天：在家居民（人口记录的白天人口，已不含外出上班上学的人）＋单位从业人员＋学校学生；学生不在单位从业人员之内，"
    "单位和学校按点位计入；就诊、购物、路过的人没有数据，未计"
)
METHOD = (
    "人口按建筑统一编码落到建筑；边线切割的建筑按基底在圈层内的面积比例分摊；没有人口记录的住宅按本村有记录住宅"
    "“人口÷（基底面积×层数）”推算（本村没有记录的用范围内各村的平均），没有层数的按一层计"
)
_KINDS = {
    MISSING: Title("缺少图层", "Layer missing"),
    EMPTY: Title("图层为空", "Layer empty"),
    HIDDEN: Title("字段不可见", "Fields hidden"),
    PARTIAL: Title("只见部分辖区", "Seen in part"),
}


def findings(found: Material, figures: Sequence[Figure]) -> list[Finding]:
    """All findings, the gravest first."""
    return [*_outside(found), *_people(found, figures), *_lacks(found), *_values(found), *_others(found)]


def _told(rule: str, title: Title, text: str, *, unsure: bool = False, measured: float | str | None = None) -> Finding:
    verdict = Verdict.NOT_ASSESSED if unsure else Verdict.INFORMATION
    return Finding(rule, title, verdict, measured, None, "", "", message=text)


def _outside(found: Material) -> Iterator[Finding]:
    ground = found.ground
    title = Title("县域以外", "Outside the county")
    if ground.place_outside:
        text = "地点在县域数据范围以外，附近的数字只反映县域以内的数据，不代表当地实际"
        yield _told("outside-county", title, text, unsure=True, measured=f"{ground.outside_share or 0:.1%}")
    elif (ground.outside_share or 0.0) > OUTSIDE_SHARE:
        text = f"范围有 {ground.outside_share:.1%} 在县域以外，该部分没有数据，未计入"
        yield _told("outside-county", title, text, unsure=True, measured=f"{ground.outside_share:.1%}")


def _people(found: Material, figures: Sequence[Figure]) -> Iterator[Finding]:
    people, title = found.people, Title("人员", "People")
    whole = next(one for one in figures if one.id == "persons")
    if whole.total is None:
        reason = people.reason or "人口数字没有或无权查看"
        yield _told("people", title, f"人员不能计算：{reason}", unsure=True)
        return
    method = f"{METHOD_DAY if found.by_day else METHOD_NIGHT}。{METHOD}"
    spread = (
        f"约 {whole.total} 人，可能在 {whole.least}–{whole.most} 人之间：被切割的 {people.cut()} 栋建筑里的人可能全在外"
        f"或全在内，推算的人可能没有，也可能多到 {MOST_OF_ESTIMATE:g} 倍"
    )
    if found.twice:
        spread += f"；至多 {found.twice:.0f} 人可能既按在家又按在岗计了两次，已从最少数中扣除"
    edition = next((one.text for one in found.sources if one.layer == "population"), "")
    yield Finding(
        "people",
        title,
        Verdict.INFORMATION,
        whole.total,
        None,
        "人",
        method,
        "population",
        edition,
        spread,
    )
    yield from _records(found)


def _records(found: Material) -> Iterator[Finding]:
    people = found.people
    homes, title = people.counted("homes"), Title("无人口记录的住宅", "Homes without a record")
    if homes:
        rates = "、".join(f"{code} {rate:.4f} 人/㎡" for code, rate in list(people.densities.items())[:10])
        text = f"{homes} 栋住宅没有人口记录，推算 {people.estimate():.0f} 人"
        text += f"；各村单位楼面面积人口：{rates}" if rates else ""
        if people.unknown_homes:
            text = f"{homes} 栋住宅没有人口记录，其中 {people.unknown_homes} 栋无从推算，未计入"
        yield _told("homes-without-record", title, text, unsure=bool(people.unknown_homes), measured=homes)
    if floors := people.counted("no_floors"):
        yield _told("homes-without-floors", title, f"{floors} 栋推算的住宅没有层数，按一层计", measured=floors)
    if lacking := people.counted("lacking"):
        text = f"{lacking} 栋建筑的人口记录没有人数，按 0 人计入，实际会更多"
        yield _told("records-without-persons", Title("人口记录不全", "Incomplete records"), text, unsure=True)
    orphans = sum(group.known for group in people.groups if group.orphan)
    if orphans:
        text = f"{orphans} 条人口记录找不到对应的建筑，按记录的点位整栋计入"
        yield _told("records-without-building", Title("人口记录无建筑", "Records without building"), text)


def _lacks(found: Material) -> Iterator[Finding]:
    for lack in found.lacks:
        unsure = Verdict.INFORMATION if lack.kind == PARTIAL else Verdict.NOT_ASSESSED
        text = f"{lack.title}：{lack.text}"
        yield Finding(
            f"layer-{lack.kind}", _KINDS[lack.kind], unsure, None, None, "", "", lack.layer, lack.edition, text
        )


def _values(found: Material) -> Iterator[Finding]:
    """Facilities whose figures are not all there."""
    for one in (*found.facilities, found.firms):
        for name, title in one.kind.sums:
            missing = one.unknown(name) if name in one.visible else 0
            if missing:
                text = f"{one.kind.title.zh}：{missing} 处没有“{title.zh}”的数字，合计中未含"
                yield _told("values-missing", Title("数字不全", "Values missing"), text, unsure=True, measured=missing)


def _others(found: Material) -> Iterator[Finding]:
    title = Title("现场感知", "Devices and models")
    if not found.models:
        yield _told("no-models", title, "范围内没有您可查看的建筑信息模型（BIM）")
    count = len(found.devices.entries)
    if not count:
        yield _told("no-devices", title, "范围内没有您可查看的物联设备")
    elif count > MOST_SHOWN:
        text = f"范围内有 {count} 台设备{'以上' if found.devices.more else ''}，列出最近的 {MOST_SHOWN} 台"
        yield _told("many-devices", title, text, measured=min(count, MOST_DEVICES))
    if len(found.alarms) >= MOST_ALARMS:
        yield _told("many-alarms", title, f"报警超过 {MOST_ALARMS} 条，只列出最新的", unsure=True)
    if found.cameras.lookings is not None and not any(one.first == "seen" for one in found.cameras.lookings):
        yield _told("no-camera-sees", title, "没有摄像机不转动就能看到该处")
    for one, band in found.warnings:
        text = f"{one.title or one.event}：{found.zones.names[band]}内有效"
        yield _told("warning", Title("生效预警", "Warning in force"), text, measured=one.code)
    if found.devices.entries or found.alarms or found.models or found.warnings:
        text = "设备、报警、预警和模型为当前状态，不随数据时点改变"
        yield _told("as-now", Title("当前状态", "As now"), text, unsure=True)
