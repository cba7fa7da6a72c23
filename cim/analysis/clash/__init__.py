"""Where building models are in each other's way: boxes first, then triangles."""
