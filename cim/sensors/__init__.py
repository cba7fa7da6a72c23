"""What monitoring stations say and mean: their protocols, and air and water quality computed from their values."""
