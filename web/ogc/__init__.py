"""Documents of the OGC services in XML, and what those services share."""
