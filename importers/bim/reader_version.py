"""The version of the reader of building models."""

READER_VERSION = "1"
"""Changes whenever the same file may give other elements or meshes."""
