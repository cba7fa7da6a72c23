"""What the city is, where it is kept, what can be asked of it."""
