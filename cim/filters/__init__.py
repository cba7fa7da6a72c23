"""One compiler for every filter: CQL2 text or JSON to a checked tree to a SQLAlchemy Core expression."""
