"""The garbage collector of programs that run long.

Python looks for circles of objects through everything it holds whenever enough objects have come; what the libraries
of this project load is so much that each look stops a program for a tenth of a second, and a burst of messages or a
long answer brings on several of them.
"""

import gc

AFTER_OBJECTS, AFTER_YOUNG, AFTER_MIDDLE = 50_000, 20, 50


def collect_seldom() -> None:
    """Never look through what is loaded by now again, and through the rest seldom; called when a program is ready.

    Each further call passes over what was loaded since the one before as well.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(AFTER_OBJECTS, AFTER_YOUNG, AFTER_MIDDLE)
