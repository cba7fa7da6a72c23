"""Surfaces between stations: inverse distances and kriging, with the error they make at the stations themselves."""
