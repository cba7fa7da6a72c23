"""OGC SensorThings API 1.1 over HTTP: addresses, query options, documents, and writing."""
