"""What drawing processes run. The drawing library is loaded there only, so the server neither needs nor holds it."""

from tiles.picture_job import LegendJob, NoteJob, PictureJob
from tiles.sheet_job import SheetJob


def picture(job: PictureJob) -> bytes:
    """An encoded picture of layers."""
    from tiles.picture_drawing import draw_picture  # noqa: PLC0415

    return draw_picture(job)


def legend(job: LegendJob) -> bytes:
    """An encoded legend."""
    from tiles.picture_legend import draw_legend  # noqa: PLC0415

    return draw_legend(job)


def note(job: NoteJob) -> bytes:
    """An encoded picture of some lines of text."""
    from tiles.picture_legend import draw_note  # noqa: PLC0415

    return draw_note(job)


def sheet(job: SheetJob) -> bytes:
    """A map sheet as PDF or PNG."""
    from tiles.sheet_drawing import draw_sheet_job  # noqa: PLC0415

    return draw_sheet_job(job)


def readiness(_job: None) -> bytes:
    """Nothing; the process that gives it has loaded what sheets are drawn with."""
    import tiles.sheet_drawing  # noqa: F401, PLC0415

    return b""
