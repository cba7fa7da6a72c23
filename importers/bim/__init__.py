"""Building models: reading IFC in the confined child, and taking what was read into the database."""
