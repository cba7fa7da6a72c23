"""The program that takes in observations beside the web processes: stations, broker, upkeep."""
