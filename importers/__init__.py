"""Outside formats to the model: recognise, inspect, read in a sandbox, check, publish."""
