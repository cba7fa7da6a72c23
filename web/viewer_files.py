"""Where the built viewer is."""

from pathlib import Path

DIST = Path(__file__).parent / "viewer" / "dist"
