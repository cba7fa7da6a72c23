"""The CRC of HJ 212 (2017 and 2025, appendix A): not the one of Modbus, though its polynomial is the same.

Only the register's high byte goes from byte to byte, so it is as strong as a check value of eight bits: one changed
byte is always noticed, of other changes about one in 256 is not.
"""

from cim.sensors.crc_table import CRC_TABLE


def crc16(segment: bytes) -> int:
    """The check value of a data segment; the register's high byte meets each byte, its low byte is dropped."""
    register = 0xFFFF
    for byte in segment:
        register = CRC_TABLE[register >> 8 ^ byte]
    return register
