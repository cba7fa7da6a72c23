"""One tile of one layer as bytes."""
