"""The console script as ``python -m web.cli``."""

from web.cli import start

start()
