/** What the emergency panel has on the map, in 3D: areas and lines draped on the ground, signs and names standing on it. */

import { Cartesian2, type CesiumWidget, CustomDataSource, type Entity } from "cesium";
import type { Incident, Mark } from "../emergency/api";
import type { AreaProperties } from "../emergency/area_shapes";
import type { Board, BoardId, WarningShown } from "../emergency/board";
import { lineMiddle, middleOf } from "../emergency/marks/shape";
import { CHOSEN_COLOUR, markColour, markName, symbolOf } from "../emergency/symbols";
import { centroidOf } from "../emergency/warnings/centroid";
import { term } from "../emergency/words";
import { Draper } from "./draped";
import { incidentPin, markPin, SIGN_SCALE } from "./incident_signs";

const SIGN_HEIGHT_PX = 40;
const NAME_GAP_PX = 4;
const REACH_PX = 9;
const MOST_DRILLED = 4;
const MARK_OPACITY = 0.2;
const AREA_OPACITY = 0.12;
const WARNING_OPACITY = 0.22;
const HATCH_OPACITY = 0.45;
/** Frames drawn after a change, and how far apart. */
const FRAMES = 8;
const FRAME_MS = 150;
/** Names of places that analyses found are seen from nearer than this. */
const NAMES_TO_M = 4_000;

interface Drawn {
  entities: Entity[];
  /** What it was drawn from; drawn anew when that is another. */
  from: unknown;
}

export class IncidentGround {
  private readonly source = new CustomDataSource("incident");
  private readonly drawn = new Map<string, Drawn>();
  private readonly ids = new Map<Entity, BoardId>();
  private readonly forget: () => void;
  private timer = 0;

  constructor(private readonly widget: CesiumWidget, private readonly board: Board) {
    void widget.dataSources.add(this.source);
    this.forget = board.follow(() => this.draw());
  }

  /** The mark or incident at a point of the picture; of areas the edge and the name count, as on the flat map. */
  at(x: number, y: number): BoardId | null {
    if (!this.ids.size) return null;
    const point = new Cartesian2(x, y);
    const first = this.ofPicked(this.widget.scene.pick(point, REACH_PX, REACH_PX));
    if (first !== undefined) return first;
    for (const hit of this.widget.scene.drillPick(point, MOST_DRILLED, REACH_PX, REACH_PX) as unknown[]) {
      const found = this.ofPicked(hit);
      if (found) return found;
    }
    return null;
  }

  /** How many entities are drawn, and of what. */
  get told(): { marks: string[]; incidents: string[]; warnings: string[]; areas: number; entities: number } {
    const keys = [...this.drawn.keys()];
    const of = (what: string): string[] => keys.filter((key) => key.startsWith(`${what} `)).map((key) => key.slice(what.length + 1));
    return {
      marks: this.board.marks.filter((one) => this.drawn.has(`mark ${one.number}`)).map(markName),
      incidents: of("incident"), warnings: of("warning"), areas: of("area").length, entities: this.source.entities.values.length,
    };
  }

  destroy(): void {
    clearTimeout(this.timer);
    this.forget();
  }

  /** What was picked: null for what is none of ours, undefined for ours that stands for nothing, as the inside of an area. */
  private ofPicked(hit: unknown): BoardId | null | undefined {
    const { id } = (hit ?? {}) as { id?: Entity };
    if (!id || typeof id !== "object" || !this.source.entities.contains(id)) return null;
    return this.ids.get(id);
  }

  private draw(): void {
    const { marks, incidents, warnings, areas, open, chosen } = this.board;
    const kept = new Set<string>();
    const put = (key: string, from: unknown, id: BoardId | null, paint: (on: Draper) => void): void => {
      kept.add(key);
      if (this.drawn.get(key)?.from === from) return;
      this.take(key);
      const on = new Draper(this.source.entities);
      paint(on);
      this.drawn.set(key, { entities: on.added, from });
      if (id) for (const one of on.added) if (!one.polygon) this.ids.set(one, id);
    };
    this.source.entities.suspendEvents();
    for (const one of warnings) put(`warning ${one.code}`, JSON.stringify(one), { what: "warning", code: one.code }, (on) => drawWarning(on, one));
    areas.forEach((one, number) => put(`area ${number}`, one, null, (on) => drawArea(on, one)));
    for (const one of marks) {
      const seen = JSON.stringify([one.geometry, one.symbol, one.label, one.style, one.number === chosen]);
      put(`mark ${one.number}`, seen, { what: "mark", number: one.number }, (on) => drawMark(on, one, one.number === chosen));
    }
    for (const one of incidents) {
      const seen = JSON.stringify([one.lon, one.lat, one.grade, one.code === open]);
      put(`incident ${one.code}`, seen, { what: "incident", code: one.code }, (on) => drawIncident(on, one, one.code === open));
    }
    for (const key of [...this.drawn.keys()]) if (!kept.has(key)) this.take(key);
    this.source.entities.resumeEvents();
    this.show(FRAMES);
  }

  /** Signs and shapes on the ground are made in the frames after the one that asks for them, and nothing tells when they are. */
  private show(frames: number): void {
    clearTimeout(this.timer);
    if (this.widget.isDestroyed()) return;
    this.widget.scene.requestRender();
    if (frames > 1) this.timer = window.setTimeout(() => this.show(frames - 1), FRAME_MS);
  }

  private take(key: string): void {
    for (const one of this.drawn.get(key)?.entities ?? []) {
      this.source.entities.remove(one);
      this.ids.delete(one);
    }
    this.drawn.delete(key);
  }
}

function drawWarning(on: Draper, { shape, colour, name, hatched, chosen, filled }: WarningShown): void {
  each(shape, {
    point: () => undefined,
    line: () => undefined,
    area: (rings) => {
      if (filled) on.area(rings, colour, (hatched ? HATCH_OPACITY : WARNING_OPACITY) * (chosen ? 1.5 : 1), hatched);
      for (const ring of rings) on.line(ring, { colour, width: chosen ? 5 : 3, dashed: hatched });
    },
  });
  const middle = centroidOf(shape);
  if (middle) on.text(middle, name, "#1d2733", NAME_GAP_PX);
}

function drawIncident(on: Draper, one: Incident, chosen: boolean): void {
  on.sign([one.lon, one.lat], incidentPin(one.grade, one.drill ? term("drill") : "", chosen), SIGN_SCALE);
}

function drawMark(on: Draper, mark: Mark, chosen: boolean): void {
  const colour = markColour(mark);
  const name = markName(mark);
  each(mark.geometry, {
    point: (at) => {
      on.sign(at, markPin(colour, symbolOf(mark.symbol).sign, chosen), SIGN_SCALE);
      on.text(at, name, colour, SIGN_HEIGHT_PX + NAME_GAP_PX);
    },
    line: (points) => {
      if (chosen) on.line(points, { colour: CHOSEN_COLOUR, width: 13, opacity: 0.55 });
      on.line(points, { colour, width: 4, casing: 1.5, order: 1 });
      on.text(lineMiddle(points), name, colour, NAME_GAP_PX);
    },
    area: (rings) => {
      on.area(rings, colour, MARK_OPACITY);
      for (const ring of rings) {
        if (chosen) on.line(ring, { colour: CHOSEN_COLOUR, width: 11, opacity: 0.55 });
        on.line(ring, { colour, width: 3, order: 1 });
      }
      on.text(middleOf({ type: "Polygon", coordinates: rings }), name, colour, 0);
    },
  });
}

function drawArea(on: Draper, { geometry, properties }: GeoJSON.Feature): void {
  const { role, colour, name } = properties as unknown as AreaProperties;
  each(geometry, {
    point: (at) => {
      if (role === "place") on.dot(at, colour, 9);
      if (name) on.text(at, name, role === "place" ? "#5e3b10" : colour, 8, role === "place" ? { to: NAMES_TO_M } : {});
    },
    line: (points) => on.line(points, { colour, width: 2 }),
    area: (rings) => {
      if (role === "area") on.area(rings, colour, AREA_OPACITY);
      for (const ring of rings) on.line(ring, { colour, width: role === "area" ? 2.5 : 2, dashed: role === "area" });
    },
  });
}

interface Painters {
  point(at: GeoJSON.Position): void;
  line(points: GeoJSON.Position[]): void;
  area(rings: GeoJSON.Position[][]): void;
}

/** Paint each part of a geometry. */
function each(geometry: GeoJSON.Geometry, to: Painters): void {
  switch (geometry.type) {
    case "Point":
      to.point(geometry.coordinates);
      break;
    case "MultiPoint":
      geometry.coordinates.forEach((one) => to.point(one));
      break;
    case "LineString":
      to.line(geometry.coordinates);
      break;
    case "MultiLineString":
      geometry.coordinates.forEach((one) => to.line(one));
      break;
    case "Polygon":
      to.area(geometry.coordinates);
      break;
    case "MultiPolygon":
      geometry.coordinates.forEach((one) => to.area(one));
      break;
    case "GeometryCollection":
      geometry.geometries.forEach((one) => each(one, to));
  }
}
