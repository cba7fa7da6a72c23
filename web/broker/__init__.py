"""A broker of MQTT beside the server: its configuration and accounts, and the bridge between it and the database."""
