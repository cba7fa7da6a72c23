"""Plain types of the city: no input or output happens here."""
