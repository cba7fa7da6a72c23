"""New entries of incidents, read once by each process and handed to whoever follows."""

from cim.model.incidents import Entry, Incident
from cim.store.database import Database
from cim.store.incidents import entries_after, newest_entry
from web.news_feed import NewsFeed


class IncidentFeed(NewsFeed[tuple[Entry, Incident]]):
    """Entries of all timelines, each with its incident as it is now."""

    def __init__(self, database: Database) -> None:
        super().__init__(
            database,
            newest_entry,
            entries_after,
            lambda item: item[0].seq,
            called="incidents",
            instead="poll /incidents/feed?since= instead",
        )
