"""Real sets of 3D Tiles and the cases of Cesium's validator: good ones load, broken ones are refused, saying why."""

from pathlib import Path

import pytest

from importers.importer import ReadOptions
from importers.tilesets.files import FolderFiles
from importers.tilesets.tileset import look
from importers.tilesets.walking import walk

PLACE = (103.95, 30.98, 500.0, 0.0)
GOOD = {
    "MetadataGranularities": ("1.1", 5, {"glb": 20}, False),
    "MultipleContents": ("1.1", 1, {"glb": 2}, False),
    "SparseImplicitQuadtree": ("1.1", 63, {"glb": 32}, False),
    "TilesetOfTilesets": ("1.0", 7, {"b3dm": 5}, True),
    "TilesetWithRequestVolume": ("1.0", 9, {"b3dm": 5, "pnts": 1}, True),
    "delaware": ("1.0", 81, {"b3dm": 59}, True),
}
"""Version, tiles, contents, and whether a set is geocentric."""
NOTED = {
    "extensionUsedButNotFound": "declared and nowhere used",
    "extrasUnexpectedType": "should be an object",
    "tileRefineMissingInRoot": "viewers take REPLACE",
    "tileRefineMissingInRootOfExternalA": "viewers take REPLACE",
}
"""Faults that are told and refuse nothing: viewers show such sets, and the validator only warns."""
NO_FAULT = {"tileContentBoundingVolumeWithTransform", "implicitTilingValid"}
"""Cases whose name says nothing of a fault, beside those that begin with valid or tilesetWithMultiple."""
SAID = {
    "assetTilesetVersion": "asset.tilesetVersion",
    "assetVersion": "asset.version",
    "boundingVolumeBox": "boundingVolume.box",
    "boundingVolumeMissing": "needs a box",
    "boundingVolumeRegionArray": "radians",
    "boundingVolumeRegionInvalid": "boundingVolume.region",
    "boundingVolumeSphereArray": "radius",
    "boundingVolumeSphereInvalid": "boundingVolume.sphere",
    "customSemanticsSchema": "root: Field required",
    "extensionNotDeclaredAsRequired": "MAXAR_content_3tz",
    "extensionNotDeclared_1_0_glTF": "3DTILES_content_gltf",
    "extensionRequired": "not among those used",
    "extensionsRequiredDuplicate": "named twice",
    "extensionsRequiredInvalid": "extensionsRequired",
    "extensionsUsedDuplicate": "named twice",
    "extensionsUsedInvalid": "extensionsUsed",
    "extensionsValue": "extensions.EXAMPLE_EXTENSION_A",
    "groupClassId": "groups.0.class",
    "groupWithoutSchema": "no schema",
    "implicitTilingAvailable": "availableLevels",
    "implicitTilingContentUri": "{INVALID}",
    "implicitTilingInvalidType": "implicitTiling",
    "implicitTilingRootWithChildren": "children",
    "implicitTilingRootWithMetadata": "metadata",
    "implicitTilingSubdivision": "subdivisionScheme",
    "implicitTilingSubtreeLevels": "subtreeLevels",
    "implicitTilingSubtreesUri": "subtrees.uri",
    "invalidJson": "no JSON",
    "properties": "properties.exampleProperty",
    "statistics": "statistics.classes",
    "tileContentBoundingVolumeInvalid": "content.boundingVolume",
    "tileContentBoundingVolumeNotIn": "reaches out of its tile's",
    "tileContentGroup": "group",
    "tileContentsInvalidType": "contents",
    "tileGeometricErrorMissing": "geometricError",
    "tileGeometricErrorNot": "greater than 4",
    "tileInvalidType": "children.0",
    "tileMetadataClass": "metadata.class",
    "tileMetadataRequiredPropertyMissing": "is missing",
    "tileMetadataRequiredPropertyNull": "has no value",
    "tileMetadataVec3": "outside of INT16",
    "tileRefine": "refine",
    "tileTransformInvalid": "transform",
    "tileTransformNonInvertible": "cannot be turned round",
    "tileTransformNotAffine": "not affine",
    "tilesetAsset": "asset",
    "tilesetGeometricError": "geometricError",
    "tilesetMetadataEntityPropertyEnum": "no value of the enum",
    "tilesetMetadataEntityProperty": "outside of the property's own range",
    "tilesetSchemaUri": "schemaUri",
    "tilesetWithCycle": "leads back into itself",
    "tilesetWithSchemaAndSchemaUri": "either a schema or a schemaUri",
    "tilesetWithUnicodeBOM": "byte order mark",
}
"""What a refusal must say, by the longest beginning of a case's name."""


@pytest.fixture
def tiles3d(real_data: Path) -> Path:
    folder = real_data / "tiles3d"
    if not folder.is_dir():
        pytest.skip("the real sets of tiles are not beside the checkout")
    return folder


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_good_set_loads(tiles3d: Path, name: str) -> None:
    version, tiles, kinds, geocentric = GOOD[name]
    found = look(FolderFiles(tiles3d / name), ReadOptions(place=None if geocentric else PLACE))
    assert found.walked.faults.problems() == []
    assert (found.walked.version, found.walked.tiles, dict(found.walked.files.kinds)) == (version, tiles, kinds)
    assert [problem for problem in found.standing.problems if problem.refuses] == []
    assert found.outline is not None
    folder = tiles3d / name
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there - found.walked.files.kept <= {"COPYRIGHT.md"}
    if not geocentric:
        bare = look(FolderFiles(tiles3d / name), ReadOptions())
        assert [problem.code for problem in bare.standing.problems] == ["tileset-place"]
        assert found.outline.centroid.distance(found.outline) < 0.01
        assert abs(found.outline.centroid.x - PLACE[0]) < 0.001


def test_the_set_that_is_invalid_is_refused_for_its_broken_tile(tiles3d: Path) -> None:
    walked = walk(FolderFiles(tiles3d / "TilesetOfTilesetsWithError_INVALID"))
    (problem,) = walked.faults.problems()
    assert problem.refuses
    assert problem.message == "tileset3/ll.b3dm: the b3dm announces 9716 bytes, the file has 9684"


def test_every_case_of_the_validator_is_judged_as_its_name_says(tiles3d: Path) -> None:
    """All cases, with what was expected and what came out told together."""
    wrong = []
    paths = sorted((tiles3d / "validator_tilesets").glob("*.json"))
    assert len(paths) > 90
    for path in paths:
        walked = walk(FolderFiles(tiles3d), root=f"validator_tilesets/{path.name}", opens=False)
        problems = walked.faults.problems()
        refusing = "; ".join(problem.message for problem in problems if problem.refuses)
        noted = "; ".join(problem.message for problem in problems if not problem.refuses)
        name = path.stem
        if name in NOTED:
            fine = not refusing and NOTED[name] in noted
        elif name in NO_FAULT or name.startswith(("valid", "tilesetWithMultiple")):
            fine = not refusing
        else:
            said = SAID[max((one for one in SAID if name.startswith(one)), key=len)]
            fine = said in refusing
        if not fine:
            wrong.append((name, refusing, noted))
    assert wrong == []
