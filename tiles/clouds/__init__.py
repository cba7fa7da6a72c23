"""Tiles of point clouds, made of kept LAZ files: an octree whose finer tiles add points to coarser ones."""
