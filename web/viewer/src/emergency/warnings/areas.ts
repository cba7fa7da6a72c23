/** Areas of warnings on the flat map, and told to the board for 3D, in their colours; what is not real is hatched with a dashed edge. */

import type { FilterSpecification, GeoJSONSource, LayerSpecification, Map as GlMap } from "maplibre-gl";
import { NOTHING } from "../../overlays";
import type { Board, WarningShown } from "../board";
import { isDrill, plainTitle, type Colour, type Held, type Shape } from "./api";
import { centroidOf } from "./centroid";
import { addHatches, hatchName, PAINT } from "./hatching";
import { COLOUR_NAMES, statusName } from "./words";

const SOURCE = "warnings";
const FILLS = [`${SOURCE}-fill`, `${SOURCE}-hatch`];
const REAL: FilterSpecification = ["!", ["get", "hatched"]];
const HATCHED: FilterSpecification = ["get", "hatched"];
/** Points in the middle of areas carry their names, as areas that reach over tiles would be named in each. */
const NAMES: FilterSpecification = ["==", ["geometry-type"], "Point"];
/** What is highlighted, and devices, stand above the areas. */
const BELOW = "highlight-fill";
const PICK_AROUND_PX = 2;

export interface Drawn {
  held: Held;
  shape: Shape | null;
}

function layers(): LayerSpecification[] {
  const edge: LayerSpecification = { id: `${SOURCE}-edge`, type: "line", source: SOURCE, filter: REAL, paint: { "line-color": ["get", "paint"], "line-width": ["case", ["get", "chosen"], 4, 2] } };
  return [
    { id: `${SOURCE}-fill`, type: "fill", source: SOURCE, filter: REAL, paint: { "fill-color": ["get", "paint"], "fill-opacity": ["case", ["get", "chosen"], 0.3, 0.18] } },
    { id: `${SOURCE}-hatch`, type: "fill", source: SOURCE, filter: HATCHED, paint: { "fill-pattern": ["get", "hatch"], "fill-opacity": ["case", ["get", "chosen"], 0.9, 0.6] } },
    edge,
    { id: `${SOURCE}-dashed`, type: "line", source: SOURCE, filter: HATCHED, paint: { "line-color": ["get", "paint"], "line-width": ["case", ["get", "chosen"], 4, 2.5], "line-dasharray": [3, 2] } },
    {
      id: `${SOURCE}-name`, type: "symbol", source: SOURCE, filter: NAMES, layout: { "text-field": ["get", "name"], "text-size": 13, "text-max-width": 12, "text-offset": [0, 1.3] },
      paint: { "text-color": "#1d2733", "text-halo-color": "#ffffff", "text-halo-width": 2 },
    },
  ];
}

export class WarningAreas {
  private shown: Drawn[] = [];
  private chosen: string | null = null;
  private filled = true;

  constructor(private readonly gl: GlMap, private readonly board: Board) {
    addHatches(gl);
    if (!gl.getSource(SOURCE)) gl.addSource(SOURCE, { type: "geojson", data: NOTHING });
    for (const layer of layers()) if (!gl.getLayer(layer.id)) gl.addLayer(layer, layer.type === "symbol" ? undefined : BELOW);
  }

  /** Draw them, the gravest on top. */
  show(warnings: Drawn[], chosen: string | null): void {
    const grave = ({ held }: Drawn): number => (held.colour ? COLOUR_NAMES.indexOf(held.colour) : COLOUR_NAMES.length);
    this.shown = warnings.filter((one) => one.shape !== null).sort((a, b) => grave(b) - grave(a));
    this.chosen = chosen;
    const features = this.shown.flatMap(({ held, shape }) => (shape ? featuresOf(held, shape, held.code === chosen) : []));
    (this.gl.getSource(SOURCE) as GeoJSONSource).setData({ type: "FeatureCollection", features });
    this.tell();
  }

  /** Fill them, or show only their edges, for who looks at something else. */
  fill(on: boolean): void {
    for (const id of FILLS) this.gl.setLayoutProperty(id, "visibility", on ? "visible" : "none");
    this.filled = on;
    this.tell();
  }

  /** Codes of the warnings at a point of the map, the gravest first. */
  at(x: number, y: number): string[] {
    const box: [[number, number], [number, number]] = [[x - PICK_AROUND_PX, y - PICK_AROUND_PX], [x + PICK_AROUND_PX, y + PICK_AROUND_PX]];
    const met = new Set(this.gl.queryRenderedFeatures(box, { layers: FILLS }).map((one) => String(one.properties["code"])));
    return this.shown.map(({ held }) => held.code).filter((code) => met.has(code)).reverse();
  }

  /** What is drawn, for tests and embedding pages. */
  get drawn(): { code: string; colour: Colour | null; hatched: boolean }[] {
    return this.shown.map(({ held }) => ({ code: held.code, colour: held.colour, hatched: held.status !== "Actual" }));
  }

  private tell(): void {
    const shownOf = ({ held, shape }: Drawn): WarningShown[] => shape === null ? [] : [{
      code: held.code, shape, colour: PAINT[held.colour ?? "none"], name: nameOf(held), hatched: held.status !== "Actual", chosen: held.code === this.chosen, filled: this.filled,
    }];
    this.board.set({ warnings: this.shown.flatMap(shownOf) });
  }
}

function nameOf(held: Held): string {
  const mark = isDrill(held) || held.state === "draft" ? `${statusName(held.status)} ` : "";
  return `${mark}${plainTitle(held)}`;
}

/** The area of a warning, and a point for its name. */
function featuresOf(held: Held, shape: Shape, chosen: boolean): GeoJSON.Feature[] {
  const middle = centroidOf(shape);
  const area: GeoJSON.Feature = { type: "Feature", geometry: shape, properties: properties(held, chosen) };
  return middle ? [area, { type: "Feature", geometry: { type: "Point", coordinates: middle }, properties: properties(held, chosen) }] : [area];
}

function properties(held: Held, chosen: boolean): Record<string, unknown> {
  const colour = held.colour ?? "none";
  return { code: held.code, paint: PAINT[colour], hatch: hatchName(colour), hatched: held.status !== "Actual", chosen, name: nameOf(held) };
}
