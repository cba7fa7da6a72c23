"""The queues of imports and of analyses: PostgreSQL keeps them, ``cim worker`` works them, the server fills them."""

import sqlalchemy as sa
from procrastinate import App, PsycopgConnector

INSPECT, IMPORT = "inspect_upload", "import_upload"
ANALYSE, READ_REDLINE = "analyse", "read-redline"
IMPORTS, ANALYSES = "default", "analyses"
"""The queues: a long import does not keep an analysis waiting."""
SEARCH_PATH = "-c search_path=jobs,public"


def queue_app(writer_url: str) -> App:
    """The queue's application over the writer login; open it before use."""
    url = sa.make_url(writer_url)
    query = {key: str(value) for key, value in url.query.items()}
    port = str(url.port) if url.port else query.get("port")
    given = {"user": url.username, "password": url.password, "dbname": url.database, "port": port}
    given |= {"host": url.host or query.get("host"), "options": SEARCH_PATH}
    known = {key: value for key, value in given.items() if value}
    return App(connector=PsycopgConnector(kwargs=known, min_size=1, max_size=6))


async def put(app: App, task: str, upload: str) -> None:
    """Queue a task for an upload; tasks of one upload never run at once."""
    await app.configure_task(task, lock=f"upload:{upload}").defer_async(upload=upload)


async def put_analysis(app: App, task: str, job: str) -> None:
    """Queue an analysis, or the reading of a red line."""
    await app.configure_task(task, queue=ANALYSES, lock=f"job:{job}").defer_async(job=job)
