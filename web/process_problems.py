"""What OGC API Processes wants told by a URI: no such process, no such job, no results yet."""

from cim.errors import NotFound

_EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"


class NoSuchProcess(NotFound):
    """There is no analysis of that id."""

    problem_type = f"{_EXCEPTIONS}/no-such-process"


class NoSuchJob(NotFound):
    """There is no job of that id, or it is another's."""

    problem_type = f"{_EXCEPTIONS}/no-such-job"


class NoResultsYet(NotFound):
    """The job has not come to results."""

    problem_type = f"{_EXCEPTIONS}/result-not-ready"
