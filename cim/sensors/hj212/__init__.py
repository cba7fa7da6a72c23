"""HJ 212, editions 2017 and 2025: how pollution sources, air and water stations report over TCP."""
