"""Sets of 3D Tiles made elsewhere, such as oblique meshes: checked, placed and kept as they are."""
