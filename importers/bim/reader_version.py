"""The version of what reading a building model gives; raised whenever the same file would give other records."""

READER_VERSION = 1
