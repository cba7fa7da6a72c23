"""Monitoring stations over TCP: listeners for HJ 212 and SL 651."""
