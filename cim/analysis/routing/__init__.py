"""Ways over the roads: routes, what is reached in time, what is nearest, and moving people to shelters."""
