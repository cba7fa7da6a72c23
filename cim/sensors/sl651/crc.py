"""The CRC of SL 651 (x16+x15+x2+1, the one of Modbus), sent high byte first."""

from cim.sensors.crc_table import CRC_TABLE


def crc16(told: bytes) -> int:
    """The check value of all bytes of a frame before it."""
    register = 0xFFFF
    for byte in told:
        register = register >> 8 ^ CRC_TABLE[(register ^ byte) & 0xFF]
    return register
