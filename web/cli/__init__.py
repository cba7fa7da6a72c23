"""One file per verb of the console script ``cim``."""

import importlib


def start() -> None:
    """Run the console script.

    What it needs is imported by the call alone: processes that draw and compute for it import the script they come
    from again, and need nothing of it.
    """
    importlib.import_module("web.cli.main").main()
