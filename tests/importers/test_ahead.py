"""Working ahead keeps order, raises where the item would have been, and stops when nobody asks any more."""

import threading
from collections.abc import Iterator

import pytest

from importers.ahead import Ahead


def counted(made: list[int], limit: int) -> Iterator[int]:
    for number in range(limit):
        made.append(number)
        yield number


def test_items_come_in_order() -> None:
    with Ahead(counted([], 500)) as items:
        assert list(items) == list(range(500))


def test_an_error_is_raised_where_its_item_would_have_been() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    got = []
    with Ahead(broken()) as items, pytest.raises(ValueError, match="the second"):
        got.extend(items)
    assert got == [1]


def test_no_more_than_its_depth_is_made_before_it_is_asked_for_and_the_thread_ends() -> None:
    made: list[int] = []
    before = threading.active_count()
    with Ahead(counted(made, 1_000_000), depth=2) as items:
        assert next(iter(items)) == 0
    assert len(made) <= 5
    assert threading.active_count() == before
