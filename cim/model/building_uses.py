"""Uses of buildings that mean something to more than one question."""

HOMES = ("residential", "rural_house")
"""What people live in."""
