"""HTTP, the command line, and the browser's page."""
