"""The sample city: a deterministic generator of an invented county, and its small committed output."""
