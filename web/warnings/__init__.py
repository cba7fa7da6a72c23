"""Warnings over HTTP: what is taken, what it affects, whom it calls, and the feed."""
