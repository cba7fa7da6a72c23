"""New entries in the history of warnings, read once by each process and handed to whoever follows."""

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.warning_course import HeldWarning, WarningStep
from cim.store.database import Database
from cim.store.warnings import newest_warning_step, warning_steps_after
from web.news_feed import NewsFeed


class WarningFeed(NewsFeed[tuple[WarningStep, HeldWarning]]):
    """Entries of all warnings, each with its warning as it is now; entries of calls are not for the feed."""

    def __init__(self, database: Database) -> None:
        super().__init__(
            database,
            newest_warning_step,
            _entries_after,
            lambda item: item[0].seq,
            shown=lambda item: item[0].call is None,
            called="warnings",
            instead="poll /warnings/feed?since= instead",
        )


async def _entries_after(connection: AsyncConnection, seq: int, limit: int) -> list[tuple[WarningStep, HeldWarning]]:
    return [(step, warning) for step, warning, _ in await warning_steps_after(connection, seq, limit)]
