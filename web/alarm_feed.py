"""New steps of alarms, read once by each process and handed to whoever follows."""

from cim.model.alarms import Alarm, Step
from cim.store.alarms import newest_step, steps_after
from cim.store.database import Database
from web.news_feed import NewsFeed


class AlarmFeed(NewsFeed[tuple[Step, Alarm]]):
    """Steps of all alarms, each with its alarm as it is now."""

    def __init__(self, database: Database) -> None:
        super().__init__(
            database,
            newest_step,
            steps_after,
            lambda item: item[0].seq,
            called="alarms",
            instead="poll /alarms/feed?since= instead",
        )
