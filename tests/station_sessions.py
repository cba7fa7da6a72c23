"""Recorded sessions of stations, and the CRC of HJ 212 written anew from the standard's C code as an oracle."""

from pathlib import Path

FOLDER = Path(__file__).parent / "cim" / "sensors" / "sessions"


def lines(name: str) -> list[tuple[str, str]]:
    """The turns of a session: ``>`` or ``<`` and what was said."""
    text = (FOLDER / f"{name}.txt").read_text("utf-8")
    return [(line[0], line[2:]) for line in text.splitlines() if line[:2] in ("> ", "< ")]


def framed(segment: str | bytes) -> bytes:
    """The frame of a data segment of HJ 212."""
    raw = segment.encode() if isinstance(segment, str) else segment
    return b"##%04d%s%04X\r\n" % (len(raw), raw, _crc(raw))


def _crc(raw: bytes) -> int:
    """Appendix A of HJ 212-2017, line by line."""
    crc_reg = 0xFFFF
    for byte in raw:
        crc_reg = (crc_reg >> 8) ^ byte
        for _ in range(8):
            check = crc_reg & 0x0001
            crc_reg >>= 1
            if check == 0x0001:
                crc_reg ^= 0xA001
    return crc_reg


def turns(name: str) -> list[tuple[bytes, bytes | None]]:
    """Frames of the station, each with the answer printed for it."""
    made = framed if name.startswith("hj212") else bytes.fromhex
    said: list[tuple[bytes, bytes | None]] = []
    for side, text in lines(name):
        if side == ">":
            said.append((made(text), None))
        else:
            said[-1] = (said[-1][0], made(text))
    return said
