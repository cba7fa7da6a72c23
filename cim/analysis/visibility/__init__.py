"""What cameras see: over the ground and past buildings."""
