"""``python -m tiles.clouds``: makes the tiles of one cloud, told by a line of JSON; a process of its own, to be ended.

The answer is a line of JSON: the number of ``tiles``, or the ``reason`` why there are none.
"""

import json
import sys
from pathlib import Path

from cim.errors import CimError
from tiles.clouds.building import build_cloud
from tiles.clouds.reading import CloudSource


def main() -> int:
    """Make what standard input asks for."""
    asked = json.loads(sys.stdin.readline())
    source = CloudSource(Path(asked["path"]), asked["crs"], asked["low_m"], asked["high_m"])
    try:
        answer: dict[str, object] = {"tiles": build_cloud(source, Path(asked["target"]), Path(asked["folder"]))}
    except CimError as error:
        answer = {"reason": error.what}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
