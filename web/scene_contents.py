"""What fills the tilesets of a request: the content of a layer for the caller, and the terrain it stands on."""

from dataclasses import dataclass, replace

from cim.errors import BadRequest, HeightsUnknown, NotFound
from cim.model.ellipsoidal_heights import SETTINGS
from cim.model.scene import ScenePlan
from cim.model.undulation import Undulation
from cim.policy.policy import Decision, read_context
from cim.store.scene_rows import SceneSelection
from cim.store.selection import Selection
from layers.scene import usual_plan
from layers.text import Text
from tiles.scene.built import BuiltContent, Terrain
from tiles.scene.city_3d import CityContent
from tiles.scene.content import SceneContent
from tiles.scene.models_3d import ModelContent
from web.looking import state_of
from web.parameters import parse_datetime
from web.state import Caller, ServerState

NO_UNDULATION = Text(
    zh="尚未设置大地水准面差距，不能生成三维场景；请管理员设置 CIM_UNDULATION_M 或 CIM_GEOID_GRID。",
    en="The undulation of the geoid is not configured, so there is no 3D view; the operator sets it in "
    "CIM_UNDULATION_M or CIM_GEOID_GRID.",
)


@dataclass(frozen=True, slots=True)
class SceneState:
    """The state of the rows that is asked for, as the query names it; both None for what is current."""

    datetime: str | None = None
    scenario: str | None = None

    @property
    def query(self) -> str:
        """The part of tiles' addresses that asks for the same state."""
        named = {"datetime": self.datetime, "scenario": self.scenario}
        return "".join(f"&{name}={value}" for name, value in named.items() if value is not None)


def plan_of(state: ServerState, decision: Decision) -> ScenePlan | None:
    """How a layer's features stand as far as the caller sees it, by its definition or else by its fields.

    None where they do not.
    """
    definition = state.catalog.layers.get(decision.collection.id)
    plan = definition.scene if definition else usual_plan(decision.collection.schema)
    return plan.seen_by(decision.field_names) if plan else None


async def terrain_layer(who: Caller) -> Decision | None:
    """The layer of heights that the caller's things stand on: the first of those they may read."""
    for decision in who.readable():
        if decision.collection.schema.kind == "raster" and decision.collection.version:
            facts = await who.state.rasters.facts(who.principal, decision)
            if facts is not None and facts.heights:
                return decision
    return None


def require_undulation(state: ServerState) -> Undulation:
    """The configured undulation; HeightsUnknown where there is none."""
    if state.undulation is None:
        raise HeightsUnknown(
            "3D views need the undulation of the geoid, and none is configured",
            where="undulation",
            remedy=f"set {SETTINGS} and start the server again",
        )
    return state.undulation


def is_model(who: Caller, name: str) -> bool:
    """Whether a name is that of a building model; it may still be one that the caller may not know of."""
    return name in who.state.live.models


def decision_of(who: Caller, name: str) -> Decision:
    """What the caller may read of a layer or a model; NotFound when nothing."""
    return who.model(name) if is_model(who, name) else who.decide(name)


async def scene_content(who: Caller, name: str, asked: SceneState) -> SceneContent:
    """The content of a layer or a model for the caller.

    Raises NotFound for one that the caller may not know of or that does not stand up, HeightsUnknown where heights
    cannot be counted from the ellipsoid, and what looking up the state does.
    """
    if not is_model(who, name):
        decision = who.decide(name)
        city = decision.collection.schema.kind == "city"
        return await city_content(who, decision, asked) if city else await layer_content(who, name, asked)
    decision = who.model(name)
    if asked.scenario is not None:
        raise BadRequest("scenarios are of layers, not of models", where="scenario", remedy="leave it out")
    version = decision.collection.version
    if asked.datetime is not None:
        async with who.state.database.reading(read_context(who.principal)) as connection:
            version = (await state_of(connection, name, (), parse_datetime(asked.datetime), None)).number
    return ModelContent(who.state.database, who.state.model_plans, name, version, who.state.undulation)


async def layer_content(who: Caller, layer: str, asked: SceneState) -> BuiltContent:
    """The content of a layer of features that are raised or laid; raises as ``scene_content`` does."""
    decision = who.decide(layer)
    plan = plan_of(who.state, decision)
    if plan is None:
        raise NotFound(
            f"layer {layer} has no tileset: nothing says how high its features stand",
            where="layer",
            remedy="/catalog lists the layers that have one",
        )
    undulation = require_undulation(who.state)
    selection, tag = await _selected(who, decision, asked)
    ground = await terrain_layer(who)
    terrain = Terrain(who.state.database, who.state.files, ground) if ground else None
    ground_class = ground.policy_class if ground else ""
    seen_as = f"{decision.policy_class}|{ground_class}|{tag}"
    chosen = SceneSelection.of(selection, plan)
    return BuiltContent(who.state.database, who.state.files, who.state.layouts, chosen, terrain, undulation, seen_as)


async def city_content(who: Caller, decision: Decision, asked: SceneState) -> CityContent:
    """The content of a layer of city objects, whose shapes must be open to the caller; raises as ``scene_content``."""
    layer = decision.collection.id
    if "shape" not in decision.field_names:
        raise NotFound(f"layer {layer} has no tileset: its shapes are not open to you", where="layer")
    selection, tag = await _selected(who, decision, asked)
    seen = replace(selection, fields=decision.field_names)
    return CityContent(
        who.state.database, who.state.layouts, seen, who.state.undulation, f"{decision.policy_class}|{tag}"
    )


async def _selected(who: Caller, decision: Decision, asked: SceneState) -> tuple[Selection, str]:
    """The rows of a layer in the state asked for, without fields, and a tag that differs for other states."""
    if asked.datetime is None and asked.scenario is None:
        return Selection(decision.collection, (), decision.regions), ""
    instant = parse_datetime(asked.datetime)
    async with who.state.database.reading(read_context(who.principal)) as connection:
        state = await state_of(connection, decision.collection.id, who.readable_ids(), instant, asked.scenario)
    selection = Selection(decision.collection, (), decision.regions, version=state.version, scenario=state.scenario)
    return selection, state.tag


def check_path(z: int, x: int, y: int) -> None:
    """Refuse a path that no tile can have."""
    if not (0 <= z <= 30 and 0 <= x < 2**30 and 0 <= y < 2**30):
        raise BadRequest("there can be no such tile", where="tile", remedy="read tileset.json")
