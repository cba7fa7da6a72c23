"""Questions about the city whose answers have findings: one file or folder each, rules as data."""
