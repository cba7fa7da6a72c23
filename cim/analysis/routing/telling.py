"""What answers about ways say beside their figures: remarks as findings, and answers that say why there is no way."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from cim.analysis.analysis import Parameters
from cim.analysis.context import Context
from cim.model.analysis import Answer, Finding, SourceEdition, Title, Verdict

METHOD = (
    "行程时间按道路限速（缺限速的按道路等级取值）和出行方式计算，不计拥堵、信号灯和转弯等待；"
    "地点接到最近可通行道路上的最近点，离路距离另列、不计时间；被封闭范围触及的路段整段不通行；"
    "路段只在端点相接，没有桥梁属性，积水范围内的桥按受淹处理"
)
STATEMENT = "结果用于辅助决策，出动前以现场路况为准。"
TITLES = {
    "pgrouting-missing": Title("缺少路径计算扩展", "pgRouting is missing"),
    "layer-missing": Title("缺少图层", "A layer is missing"),
    "network-empty": Title("路网为空", "The network is empty"),
    "network-partial": Title("路网不完整", "The network is seen in part"),
    "layer-partial": Title("图层不完整", "A layer is seen in part"),
    "off-road": Title("地点远离道路", "A point off the road"),
    "nearest-closed": Title("最近道路已封闭", "The nearest road is closed"),
    "roads-closed": Title("封闭路段", "Roads closed"),
    "roads-passed": Title("浅水路段", "Roads in shallow water"),
    "all-closed": Title("道路全部封闭", "All roads are closed"),
    "unreachable": Title("无法到达", "No way"),
    "no-resources": Title("没有资源点", "Nothing to go to"),
    "no-shelter": Title("没有可达的避难场所", "No reachable shelter"),
    "shelters-left-out": Title("未采用的避难场所", "Shelters left out"),
    "unserved": Title("未安置人口", "People not placed"),
    "people-estimated": Title("人口为估算", "People are estimated"),
    "no-hazards": Title("没有隐患点", "No hazard point"),
    "no-monitor": Title("没有监测员", "No monitor"),
    "no-people": Title("范围内没有人口记录", "No people known"),
    "method": Title("计算方法", "Method"),
}


class NotRouted(Exception):
    """There is no way to answer, for a reason that the answer states."""

    def __init__(
        self,
        rule: str,
        message: str,
        edition: SourceEdition | None = None,
        *,
        measured: float | None = None,
        limit: float | None = None,
        unit: str = "",
    ) -> None:
        super().__init__(message)
        layer = edition.layer if edition is not None else ""
        self.finding = remark(
            rule, message, edition, layer=layer, verdict=Verdict.NOT, measured=measured, limit=limit, unit=unit
        )
        self.sources = [edition] if edition is not None else []

    def answer(self) -> Answer:
        """The answer that says so; it has no figures."""
        return Answer(
            summary={"found": None, "reason": self.finding.rule, "notes": [self.finding.message]},
            findings=[self.finding],
            sources=self.sources,
            statement=STATEMENT,
        )


def remark(
    rule: str,
    message: str,
    edition: SourceEdition | None = None,
    *,
    layer: str = "",
    verdict: Verdict = Verdict.INFORMATION,
    measured: float | None = None,
    limit: float | None = None,
    unit: str = "",
) -> Finding:
    """A finding that says what a reader must know."""
    text = edition.text if edition is not None else ""
    return Finding(rule, TITLES[rule], verdict, measured, limit, unit, "", layer, text, message)


def missing(edition: SourceEdition) -> Finding:
    """The finding that a layer is not there, or not open to the caller."""
    return remark("layer-missing", edition.note, edition, layer=edition.layer, verdict=Verdict.NOT_ASSESSED)


def method(more: str = "") -> Finding:
    """The finding that says how ways are worked out."""
    return remark("method", f"{METHOD}；{more}" if more else METHOD)


Chosen = TypeVar("Chosen", bound=Parameters)
Run = Callable[[Chosen, Context], Awaitable[Answer]]


def stating(run: Run[Chosen]) -> Run[Chosen]:
    """The same analysis, whose answer states why there is none where it raises NotRouted."""

    async def stated(asked: Chosen, context: Context) -> Answer:
        try:
            return await run(asked, context)
        except NotRouted as reason:
            return reason.answer()

    return stated
