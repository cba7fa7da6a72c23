"""Messages of CAP 1.2 for tests."""

from datetime import datetime, timedelta

from cim.model.sensing import BEIJING

XML = {"Content-Type": "application/cap+xml"}
NS = "urn:oasis:names:tc:emergency:cap:1.2"
RING = "30.90,103.90 30.90,104.00 31.00,104.00 31.00,103.90 30.90,103.90"
SENT = datetime.now(BEIJING).replace(microsecond=0) - timedelta(minutes=5)


def moment(after: timedelta = timedelta(0)) -> str:
    return (SENT + after).isoformat()


def cap(
    identifier: str = "A",
    kind: str = "Alert",
    refers: str = "",
    status: str = "Actual",
    ring: str = RING,
    severity: str = "Severe",
    lasts: timedelta = timedelta(hours=6),
    sender: str = "met",
    more: str = "",
) -> bytes:
    """A message; ``refers`` names others by identifier."""
    named = " ".join(f"{sender},{one},{moment()}" for one in refers.split())
    references = f"<references>{named}</references>" if named else ""
    area = f"<area><areaDesc>x</areaDesc><polygon>{ring}</polygon></area>" if ring else ""
    return (
        f'<alert xmlns="{NS}"><identifier>{identifier}</identifier><sender>{sender}</sender><sent>{moment()}</sent>'
        f"<status>{status}</status><msgType>{kind}</msgType><scope>Public</scope>{references}"
        f"<info><language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Immediate</urgency>"
        f"<severity>{severity}</severity><certainty>Likely</certainty><expires>{moment(lasts)}</expires>"
        f"<headline>暴雨预警</headline>{more}{area}</info></alert>"
    ).encode()
