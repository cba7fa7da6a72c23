"""Lists of devices and series of what they measured: tables of any format, read by the names of their columns."""
