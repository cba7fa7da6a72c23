"""The forms of tileset.json, 1.0 and 1.1, and what pydantic finds against them.

A tile's children are left as they are: the walk looks at them one by one, so that depth costs no stack.
"""

import json
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

MOST_JSON_BYTES = 128 * 1024**2
Number = Annotated[float, Field(allow_inf_nan=False)]
Numbers4 = Annotated[list[Number], Field(min_length=4, max_length=4)]
Numbers6 = Annotated[list[Number], Field(min_length=6, max_length=6)]
Numbers12 = Annotated[list[Number], Field(min_length=12, max_length=12)]
Numbers16 = Annotated[list[Number], Field(min_length=16, max_length=16)]
Name = Annotated[str, Field(min_length=1)]
PI = 3.1415926535897932 * (1 + 1e-9)


class Form(BaseModel):
    """An object of the specification: what is not named in it may stand there, as long as extensions are objects."""

    model_config = ConfigDict(strict=True, extra="allow")
    extensions: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Asset(Form):
    """What the set is."""

    version: Literal["0.0", "1.0", "1.1"]
    tilesetVersion: str = ""  # noqa: N815


class BoundingVolume(Form):
    """Where a tile or its content is, in at least one form."""

    box: Numbers12 | None = None
    region: Numbers6 | None = None
    sphere: Numbers4 | None = None

    @model_validator(mode="after")
    def _ranges(self) -> "BoundingVolume":
        if self.box is None and self.region is None and self.sphere is None and not self.extensions:
            raise ValueError("a bounding volume needs a box, a region or a sphere")
        if self.sphere is not None and self.sphere[3] < 0:
            raise ValueError("the radius of a sphere is below 0")
        if self.region is not None:
            west, south, east, north, low, high = self.region
            if max(abs(west), abs(east)) > PI or max(abs(south), abs(north)) > PI / 2:
                raise ValueError("a region's sides are radians: longitudes within pi, latitudes within pi/2")
            if south > north or low > high:
                raise ValueError("a region's south is north of its north, or its bottom above its top")
        return self


class Properties(Form):
    """The range of a property of features (1.0)."""

    minimum: Number
    maximum: Number


class MetadataEntity(Form):
    """Values of a class of the schema."""

    class_: Name = Field(alias="class")
    properties: dict[str, Any] = Field(default_factory=dict)


class Content(Form):
    """What is drawn in a tile; ``url`` is how sets before 1.0 said ``uri``."""

    uri: Name | None = None
    url: Name | None = None
    boundingVolume: BoundingVolume | None = None  # noqa: N815
    group: Annotated[int, Field(ge=0)] | None = None
    metadata: MetadataEntity | None = None

    @model_validator(mode="after")
    def _addressed(self) -> "Content":
        if self.uri is None and self.url is None:
            raise ValueError("a content needs a uri")
        return self

    @property
    def address(self) -> str:
        """The address of the content."""
        return self.uri or self.url or ""


class Subtrees(Form):
    """The address of subtrees, with places for level and position."""

    uri: Name


class ImplicitTiling(Form):
    """A tree of tiles told by bits."""

    subdivisionScheme: Literal["QUADTREE", "OCTREE"]  # noqa: N815
    subtreeLevels: Annotated[int, Field(ge=1, le=20)]  # noqa: N815
    availableLevels: Annotated[int, Field(ge=1, le=30)]  # noqa: N815
    subtrees: Subtrees


class Tile(Form):
    """One tile, with its children as they are."""

    boundingVolume: BoundingVolume  # noqa: N815
    viewerRequestVolume: BoundingVolume | None = None  # noqa: N815
    geometricError: Annotated[float, Field(ge=0, allow_inf_nan=False)]  # noqa: N815
    refine: Literal["ADD", "REPLACE"] | None = None
    transform: Numbers16 | None = None
    content: Content | None = None
    contents: Annotated[list[Content], Field(min_length=1)] | None = None
    metadata: MetadataEntity | None = None
    implicitTiling: ImplicitTiling | None = None  # noqa: N815
    children: list[Any] = Field(default_factory=list)

    @model_validator(mode="after")
    def _whole(self) -> "Tile":
        if self.content is not None and self.contents is not None:
            raise ValueError("a tile has either content or contents")
        return self

    @property
    def drawn(self) -> list[Content]:
        """All contents of the tile."""
        return [self.content] if self.content else self.contents or []


class Statistics(Form):
    """Sums over the entities of classes."""

    classes: Annotated[dict[str, dict[str, Any]], Field(min_length=1)] | None = None


class Tileset(Form):
    """A whole document, its root as it is."""

    asset: Asset
    properties: dict[str, Properties] = Field(default_factory=dict)
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    schemaUri: Name | None = None  # noqa: N815
    statistics: Statistics | None = None
    groups: Annotated[list[MetadataEntity], Field(min_length=1)] | None = None
    metadata: MetadataEntity | None = None
    geometricError: Annotated[float, Field(ge=0, allow_inf_nan=False)]  # noqa: N815
    root: dict[str, Any]
    extensionsUsed: Annotated[list[Name], Field(min_length=1)] | None = None  # noqa: N815
    extensionsRequired: Annotated[list[Name], Field(min_length=1)] | None = None  # noqa: N815

    @model_validator(mode="after")
    def _whole(self) -> "Tileset":
        if self.schema_ is not None and self.schemaUri is not None:
            raise ValueError("a tileset has either a schema or a schemaUri")
        for names in (self.extensionsUsed, self.extensionsRequired):
            if names and len(set(names)) < len(names):
                raise ValueError("an extension is named twice")
        return self


def json_of(data: bytes) -> Any:
    """The JSON of some bytes, by the rules and no laxer; ValueError with the reason."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise ValueError("the text begins with a byte order mark, which JSON may not")
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise ValueError("the text is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"the text is no JSON: {error.msg} in line {error.lineno}") from None
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None


def told(error: ValidationError, within: str) -> list[tuple[str, str]]:
    """Where and what of all a model found; plain words."""
    found = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in one["loc"])
        found.append((f"{within}.{place}" if place else within, one["msg"].removeprefix("Value error, ")))
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
