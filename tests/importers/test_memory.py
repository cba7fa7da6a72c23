"""What an import holds does not grow with its rows: notes of rows, batches of tables."""

from pathlib import Path

import pyarrow as pa

from cim.model.imports import RejectedRow
from importers.csv_points import CsvPoints
from importers.importer import BATCH_ROWS, ReadOptions
from importers.row_notes import KEPT_TEXTS, UNTOLD, RowNotes


def test_notes_of_rows_are_told_as_they_were_made() -> None:
    notes = RowNotes(RejectedRow)
    notes.add([(3, "no geometry"), (7, "bad"), (9, "no geometry")])
    notes.merge([(8, "late"), (1, "early")])
    assert list(notes) == [
        RejectedRow(1, "early"),
        RejectedRow(3, "no geometry"),
        RejectedRow(7, "bad"),
        RejectedRow(8, "late"),
        RejectedRow(9, "no geometry"),
    ]
    assert (len(notes), list(notes.rows), notes[-1].row) == (5, [1, 3, 7, 8, 9], 9)
    assert notes[:2] == [RejectedRow(1, "early"), RejectedRow(3, "no geometry")]


def test_no_notes_are_an_empty_sequence() -> None:
    notes = RowNotes(RejectedRow)
    notes.merge([])
    assert not notes
    assert notes[:5] == []


def test_rows_beyond_the_texts_kept_are_still_listed() -> None:
    notes = RowNotes(RejectedRow)
    notes.add((row, f"reason {row}") for row in range(KEPT_TEXTS + 5))
    notes.add([(KEPT_TEXTS + 5, "reason 3")])
    assert len(notes) == KEPT_TEXTS + 6
    assert notes[KEPT_TEXTS - 1].reason == f"reason {KEPT_TEXTS - 1}"
    assert {note.reason for note in notes[KEPT_TEXTS:-1]} == {UNTOLD}
    assert notes[-1].reason == "reason 3"


def test_a_table_comes_in_small_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = 2 * BATCH_ROWS + 10
    path.write_text("code,lon,lat\n" + "".join(f"c{n},103.9,30.9\n" for n in range(rows)))
    (layer,) = CsvPoints().inspect(path, ReadOptions())
    batches: list[pa.RecordBatch] = list(CsvPoints().read(path, layer, ReadOptions()))
    assert max(batch.num_rows for batch in batches) <= BATCH_ROWS
    assert [code.as_py() for batch in batches for code in batch.column("code")] == [f"c{n}" for n in range(rows)]
