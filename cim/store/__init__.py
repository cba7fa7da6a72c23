"""PostGIS: the private cluster, the tables, one query module per type. SQL is executed here only."""
