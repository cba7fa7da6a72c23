"""Taking in observations: accept, validate, keep, and alarm on them."""
