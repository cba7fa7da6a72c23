"""Names that the reading child and its parent share."""

ROW_COLUMN = "__row"
REJECTED_COLUMN = "__rejected"
REPAIRED_COLUMN = "__repaired"
REFUSED_STATUS = 3
ROWS_FOLLOW, NO_ROWS = b"1", b"0"
