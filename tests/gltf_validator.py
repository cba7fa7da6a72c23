"""The Khronos validator of glTF, held against binary files in one go."""

import json
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
VIEWER = ROOT / "web" / "viewer"
UNSUPPORTED, UNUSED = "UNSUPPORTED_EXTENSION", "UNUSED_OBJECT"
_SCRIPT = """
const fs = require("fs");
const { validateBytes } = require("gltf-validator");
(async () => {
  const said = {};
  for (const name of fs.readdirSync(process.argv[1])) {
    const bytes = new Uint8Array(fs.readFileSync(`${process.argv[1]}/${name}`));
    const report = await validateBytes(bytes, { maxIssues: 0 });
    said[name] = report.issues.messages;
  }
  console.log(JSON.stringify(said));
})();
"""


def faults_of(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """What the validator finds in binary files, whatever its weight, by the names they are given here.

    Extensions it does not support are no fault; nor is that it thinks those parts unused which only property tables of
    such an extension name. Files without a fault are left out.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = {f"{place}.glb": title for place, title in enumerate(files)}
        for file, title in names.items():
            (folder / file).write_bytes(files[title])
        said = subprocess.run(
            [ROOT / ".setup" / "bin" / "node", "-e", _SCRIPT, folder],
            capture_output=True,
            text=True,
            check=True,
            cwd=VIEWER,
        )
    messages: dict[str, list[dict[str, str]]] = json.loads(said.stdout)
    assert messages.keys() == names.keys()
    found = {names[file]: list(_faults(files[names[file]], some)) for file, some in messages.items()}
    return {title: some for title, some in found.items() if some}


def _faults(glb: bytes, messages: list[dict[str, str]]) -> list[str]:
    named = _named_by_property_tables(glb)
    return [
        f"{one['code']} {one.get('pointer', '')}: {one['message']}"
        for one in messages
        if one["code"] != UNSUPPORTED and not (one["code"] == UNUSED and one["pointer"] in named)
    ]


def _named_by_property_tables(glb: bytes) -> set[str]:
    try:
        (length,) = struct.unpack_from("<I", glb, 12)
        document: dict[str, Any] = json.loads(glb[20 : 20 + length])
    except (struct.error, ValueError):
        return set()
    tables = document.get("extensions", {}).get("EXT_structural_metadata", {}).get("propertyTables", [])
    entries = [entry for table in tables for entry in table["properties"].values()]
    return {f"/bufferViews/{view}" for entry in entries for view in entry.values() if isinstance(view, int)}
