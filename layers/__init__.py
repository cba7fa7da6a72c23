"""What a map user can switch on: definitions, styles, code lists, and the catalogue that ties them together."""
