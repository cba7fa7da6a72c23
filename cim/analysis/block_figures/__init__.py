"""The planning figures of a drawn block: what stands on it, what the plan allows, what a scenario would make of it."""
