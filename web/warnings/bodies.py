"""Bodies of requests about warnings, bounded."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from cim.errors import BadRequest, TooLarge

Form = TypeVar("Form", bound=BaseModel)


async def whole_body(request: Request, most: int) -> bytes:
    """The whole body of a request; TooLarge once it is longer than so many bytes."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLarge(f"the message has more than {most} bytes", where="body", remedy="send files as references")
        parts.append(part)
    return b"".join(parts)


def form_of(form: type[Form], body: bytes) -> Form:
    """A body of JSON as a form; BadRequest names the first entry that cannot be used."""
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadRequest(str(first["msg"]), where=place, remedy="see docs/warnings.md for the form") from None
