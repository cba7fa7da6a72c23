"""Impact areas of incidents: gas clouds, rings and sectors, blasts, floods, debris, shaking, broken pipes."""
