"""Models in zips: one alone is a model, whatever its name; an .ifczip with anything else is refused."""

import zipfile
from pathlib import Path

import pytest
from made_ifc import write_made

from cim.errors import ImportRefused
from cim.model.bim import Element
from importers.importer import HEAD_BYTES, ReadOptions
from importers.registry import importer_for
from importers.sandbox import open_source


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_made(tmp_path_factory.mktemp("zip") / "made.ifc")


def zipped(path: Path, made: Path, *names: str, more: str | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(made, name)
        if more:
            archive.writestr(more, "x")
    return path


@pytest.mark.parametrize("name", ["model.ifczip", "model.zip"])
def test_one_model_alone_in_a_zip_is_that_model(made: Path, tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / name, made, "folder/IFC 门诊楼 1.ifc", more="__MACOSX/x")
    with open_source(path, ReadOptions(trust_file=True)) as source:
        (layer,) = source.inspection.layers
        assert (source.inspection.driver, layer.name, layer.kind) == ("IFC", "model", "model")
        records = list(source.model(layer, {}))
    assert sum(isinstance(record, Element) for record in records) == layer.feature_count


@pytest.mark.parametrize(("names", "more"), [(("a.ifc", "b.ifc"), None), (("a.ifc",), "readme.txt"), ((), "a.txt")])
def test_an_ifczip_with_anything_else_is_refused(
    made: Path, tmp_path: Path, names: tuple[str, ...], more: str | None
) -> None:
    path = zipped(tmp_path / "model.ifczip", made, *names, more=more)
    with pytest.raises(ImportRefused) as refused, open_source(path, ReadOptions(trust_file=True)):
        pass
    assert refused.value.code == "not-one-model"


def test_several_models_in_a_zip_are_layers_of_it(made: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "models.zip", made, "east.ifc", "west.ifc")
    with open_source(path, ReadOptions(trust_file=True)) as source:
        assert [(layer.name, layer.kind) for layer in source.inspection.layers] == [
            ("east", "model"),
            ("west", "model"),
        ]
        records = list(source.model(source.inspection.layers[1], {}))
    assert sum(isinstance(record, Element) for record in records) == source.inspection.layers[1].feature_count


def test_other_step_files_are_no_models(tmp_path: Path) -> None:
    path = tmp_path / "part.ifc"
    text = "ISO-10303-21;\nHEADER;\nFILE_SCHEMA(('AUTOMOTIVE_DESIGN'));\nENDSEC;\nDATA;\nENDSEC;\nEND-ISO-10303-21;\n"
    path.write_text(text)
    assert len(text) < HEAD_BYTES
    with pytest.raises(ImportRefused) as refused:
        importer_for(path)
    assert refused.value.code == "unknown-format"
