"""Tiles of the three-dimensional city: 3D Tiles 1.1 with glTF content."""
