"""One file per standard or resource."""
