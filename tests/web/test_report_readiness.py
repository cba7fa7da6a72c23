"""What reports are written with is loaded while their analysis runs, and only for forms that need it."""

import sys

import pytest

from cim.errors import StoreUnavailable
from tiles.picture_pool import PicturePool
from web.reports.readiness import Readiness


class Pool(PicturePool):
    """A pool that counts instead of drawing."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.asked = 0
        self.error = error

    async def run(self, draw: object, job: object, seconds: float) -> bytes:
        self.asked += 1
        if self.error:
            raise self.error
        return b""


@pytest.mark.parametrize(("form", "drawing"), [("json", 0), ("xlsx", 0), ("docx", 1), ("pdf", 1), ("zip", 1)])
async def test_only_forms_with_a_map_start_the_drawing_process(form: str, drawing: int) -> None:
    pool = Pool()
    async with Readiness(form, pool):
        pass
    assert pool.asked == drawing


async def test_after_it_the_text_libraries_are_loaded() -> None:
    async with Readiness("pdf", Pool()):
        pass
    assert "weasyprint" in sys.modules


async def test_a_busy_drawing_process_keeps_no_analysis_from_its_answer() -> None:
    async with Readiness("pdf", Pool(StoreUnavailable("busy", remedy="wait"))):
        answered = True
    assert answered


async def test_the_fault_of_the_analysis_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        async with Readiness("pdf", Pool()):
            raise ZeroDivisionError
