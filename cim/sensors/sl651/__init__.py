"""SL 651-2014: how rain gauges, river gauges and reservoirs report, in its HEX/BCD and its ASCII form."""
