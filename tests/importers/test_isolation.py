"""Where the reading process cannot be cut off the network, a file is read only by somebody who says he trusts it."""

from pathlib import Path

import pytest

from cim.errors import ImportRefused
from importers.importer import ReadOptions
from importers.sandbox import Isolation, open_source


@pytest.fixture
def nowhere_to_isolate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importers.sandbox.network_isolation", lambda: Isolation(False, "no namespaces here"))


@pytest.mark.usefixtures("nowhere_to_isolate")
def test_without_isolation_a_file_is_refused_unless_it_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,x,y\na,103.9,31.0\n", "utf-8")
    with pytest.raises(ImportRefused) as refused, open_source(path, ReadOptions(crs="EPSG:4490")):
        pass
    assert (refused.value.code, refused.value.where) == ("no-isolation", "a.csv")
    assert "no namespaces here" in refused.value.what
    assert refused.value.remedy is not None
    assert "--trust-file" in refused.value.remedy
    with open_source(path, ReadOptions(crs="EPSG:4490", trust_file=True)) as source:
        assert [layer.feature_count for layer in source.inspection.layers] == [1]
