"""Names that the reading child and its parent share."""

ROW_COLUMN = "__row"
REJECTED_COLUMN = "__rejected"
REPAIRED_COLUMN = "__repaired"
REFUSED_STATUS = 3
ROWS_FOLLOW, NO_ROWS = b"1", b"0"
DERIVED_COLUMNS = {3857: "__geometry_3857", 4490: "__geometry_4490"}
"""Columns of geometry derived from the stored one, by EPSG code."""
REFUSED_COLUMN, NOTED_COLUMN = "__refused", "__noted"
"""What a format says of rows itself: why one is left out, and what is wrong with one that is loaded."""
SHAPES_FILE = "city-shapes"
"""Where the reading child leaves the shapes of city objects, in its working folder."""
KEPT_FOLDER = "kept"
"""Where the reading child leaves the files that are to be kept, below its working folder."""
KNOWN_FILE = "known.json"
"""Where the source hashes of a model's known objects are put for the reading child, in its working folder."""
