"""The CRC of SL 651 (x16+x15+x2+1, the one of Modbus), sent high byte first."""

_POLYNOMIAL = 0xA001


def _shifted(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
    return value


_TABLE = tuple(_shifted(value) for value in range(256))


def crc16(told: bytes) -> int:
    """The check value of all bytes of a frame before it."""
    register = 0xFFFF
    for byte in told:
        register = register >> 8 ^ _TABLE[(register ^ byte) & 0xFF]
    return register
