"""Incidents over HTTP: places, rights and the audit of what is written, news, situation reports."""
