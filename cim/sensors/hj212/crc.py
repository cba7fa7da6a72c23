"""The CRC of HJ 212 (2017 and 2025, appendix A): not the one of Modbus, though its polynomial is the same.

Only the register's high byte goes from byte to byte, so it is as strong as a check value of eight bits: one changed
byte is always noticed, of other changes about one in 256 is not.
"""

_POLYNOMIAL = 0xA001


def _shifted(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
    return value


_TABLE = tuple(_shifted(value) for value in range(256))


def crc16(segment: bytes) -> int:
    """The check value of a data segment; the register's high byte meets each byte, its low byte is dropped."""
    register = 0xFFFF
    for byte in segment:
        register = _TABLE[register >> 8 ^ byte]
    return register
