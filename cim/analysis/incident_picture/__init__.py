"""What is in and around the place of an incident: people, facilities, networks, models, devices, dangers."""
