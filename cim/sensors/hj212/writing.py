"""Data segments of HJ 212, written: the answers of a centre, and what a station sends."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cim.model.sensing import BEIJING
from cim.sensors.hj212.codes import commands
from cim.sensors.hj212.segment import Flag, Group, Message

SYSTEM = "91"
"""System code (ST) of what station and centre say to each other about messages."""
_ANSWERS = {"values": "9014", "noted": "9014", "notice": "9013"}


def written(message: Message) -> bytes:
    """The data segment of a message."""
    head = [
        f"QN={message.qn}",
        f"ST={message.st}",
        f"CN={message.cn}",
        f"PW={message.password}",
        f"MN={message.mn}",
        f"Flag={message.flag.number()}",
    ]
    if message.part:
        head += [f"PNUM={message.part[1]}", f"PNO={message.part[0]}"]
    if message.resent:
        head.append("RF=1")
    area = ";".join(",".join(f"{name}={value}" for name, value in group.items()) for group in message.groups)
    return f"{';'.join(head)};CP=&&{area}&&".encode()


def answer_to(message: Message) -> bytes | None:
    """The answer (9013 or 9014, same QN) to a message, in its edition; None when none is wanted or none exists."""
    code = _ANSWERS.get(commands()[message.cn].kind) if message.cn in commands() else None
    if code is None or not message.flag.answer:
        return None
    return written(
        Message(
            qn=message.qn,
            st=SYSTEM,
            cn=code,
            mn=message.mn,
            flag=Flag(message.flag.version, parts=False, answer=False),
            groups=(),
            password=message.password,
        )
    )


def upload(
    mn: str,
    cn: str,
    at: datetime,
    values: Mapping[str, Mapping[str, str]],
    *,
    sent_at: datetime,
    st: str,
    password: str,
    version: int = 1,
) -> Message:
    """An upload that wants an answer: ``values`` are the fields of each factor by their suffix."""
    groups: Sequence[Group] = [
        {f"{factor}-{suffix}": value for suffix, value in fields.items()} for factor, fields in values.items()
    ]
    return Message(
        qn=f"{_text(sent_at)}{sent_at.microsecond // 1000:03d}",
        st=st,
        cn=cn,
        mn=mn,
        flag=Flag(version, parts=False, answer=True),
        groups=({"DataTime": _text(at)}, *groups),
        password=password,
    )


def _text(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")
