"""Frames of SL 651, written: a centre's confirmations, and what a station sends."""

from collections.abc import Sequence
from datetime import datetime

from cim.model.sensing import BEIJING
from cim.sensors.sl651.codes import elements
from cim.sensors.sl651.frames import Control, Frame, encode


def confirmation(frame: Frame, serial: int, now: datetime, *, stay: bool = True) -> bytes:
    """The confirmation of modes M2 and M3 of a report, ``stay`` asking the station to remain connected (ESC, else EOT).

    Its packet number, where there are any, is that of the last packet.
    """
    packet = (frame.packet[1], frame.packet[1]) if frame.packet else None
    return _down(frame, serial, now, Control.ESC if stay else Control.EOT, packet)


def asked_again(frame: Frame, number: int, serial: int, now: datetime) -> bytes:
    """Mode M3: the packet ``number`` did not come or was bad (NAK)."""
    return _down(frame, serial, now, Control.NAK, (number, frame.packet[1] if frame.packet else number))


def _down(frame: Frame, serial: int, now: datetime, end: Control, packet: tuple[int, int] | None) -> bytes:
    return encode(
        Frame(
            ascii=frame.ascii,
            centre=frame.centre,
            station=frame.station,
            password=frame.password,
            function=frame.function,
            body=_begin(serial, now, as_text=frame.ascii),
            end=end,
            packet=packet,
        ),
        down=True,
    )


def report(
    station: str,
    password: str,
    function: int,
    serial: int,
    sent_at: datetime,
    at: datetime,
    values: Sequence[tuple[str, float]],
    *,
    kind: str = "H",
    centre: int = 1,
    as_text: bool = False,
) -> bytes:
    """A report of single values by element, as a station sends it; ``kind`` is its class letter (annex A)."""
    if as_text:
        words = [f"ST {station} {kind} TT {_time(at)[:10]}"]
        words += [f"{elements()[code].ascii} {value:.{elements()[code].decimals}f}" for code, value in values]
        text = f"{' '.join(words)} ".encode()
    else:
        text = b"\xf1\xf1" + bytes.fromhex(station) + kind.encode() + b"\xf0\xf0" + bytes.fromhex(_time(at)[:10])
        text += b"".join(_element(code, value) for code, value in values)
    body = _begin(serial, sent_at, as_text=as_text) + text
    return encode(Frame(as_text, centre, station, function, body, Control.ETX, password))


def _element(code: str, value: float) -> bytes:
    element = elements()[code]
    count = (element.digits + 1) // 2
    digits = f"{round(abs(value) * 10**element.decimals):0{2 * count}d}"
    minus = value < 0
    definition = (count + minus) << 3 | element.decimals
    return bytes.fromhex(code) + bytes([definition]) + (b"\xff" if minus else b"") + bytes.fromhex(digits)


def _begin(serial: int, at: datetime, *, as_text: bool) -> bytes:
    told = f"{serial:04X}{_time(at)}"
    return told.encode() if as_text else bytes.fromhex(told)


def _time(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%y%m%d%H%M%S")
