"""Names of the sets made of kept clouds: another file, place or way of making has another name."""

import hashlib

FORM = "points-1"
"""Part of each name, so that another way of making tiles makes another file."""


def tiles_name(file: str, crs: str, low_m: float, high_m: float) -> str:
    """The name of the set made of a kept cloud in a system, with heights in metres as its row says them."""
    text = "\n".join((FORM, file, crs, f"{low_m:.3f}", f"{high_m:.3f}"))
    return f"{hashlib.blake2b(text.encode(), digest_size=20).hexdigest()}.3tz"
