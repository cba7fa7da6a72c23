"""The table of the polynomial x16+x15+x2+1, bits reversed, which both station protocols share and use differently."""

_POLYNOMIAL = 0xA001


def _shifted(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
    return value


CRC_TABLE = tuple(_shifted(value) for value in range(256))
"""What a byte does to the register."""
