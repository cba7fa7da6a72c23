"""Point clouds (LAS, LAZ, COPC): layers whose features are files, each with its outline and what it holds."""
