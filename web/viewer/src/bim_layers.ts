/** Building models on the flat map: footprints of all, and the plan of one storey over them. */

import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as GlMap, PointLike } from "maplibre-gl";
import type { ModelFacts, PlanFacts } from "./bim_api";
import { NOTHING } from "./overlays";

const FOOTPRINTS = "bim-footprints";
const PLAN = "bim-plan";
const PICKED_PX = 3;

/** The parts of a plan as the server names them: fill, edge, width of the edge. */
const LOOKS: Record<string, [string, string, number]> = {
  space: ["#f7f3e6", "#d8cfb8", 0.6],
  stair: ["#dfe3e8", "#7d8894", 0.8],
  furnishing: ["#ffffff", "#9a9488", 0.6],
  equipment: ["#cfe3d6", "#4d7a5c", 0.8],
  wall: ["#4d4a45", "#2f2d2a", 0.8],
  "curtain-wall": ["#9fb9c9", "#5d7f93", 0.8],
  railing: ["#8d8d8d", "#6b6b6b", 0.6],
  column: ["#1f1d1b", "#1f1d1b", 0.8],
  window: ["#8fc4e8", "#3f7fa8", 1],
  door: ["#e2a24a", "#9a6413", 1],
};
const OTHER: [string, string, number] = ["#c7ccd1", "#7d848b", 0.5];

function byPart(column: 0 | 1 | 2): ExpressionSpecification {
  const cases = Object.entries(LOOKS).flatMap(([part, look]) => [part, look[column]]);
  return ["match", ["get", "part"], ...cases, OTHER[column]] as unknown as ExpressionSpecification;
}

const AREAS: ExpressionSpecification = ["==", ["geometry-type"], "Polygon"];

function layers(): LayerSpecification[] {
  return [
    { id: `${FOOTPRINTS}-fill`, type: "fill", source: FOOTPRINTS, paint: { "fill-color": "#7a4fd0", "fill-opacity": 0.22 } },
    { id: `${FOOTPRINTS}-line`, type: "line", source: FOOTPRINTS, paint: { "line-color": "#5b34ad", "line-width": 2 } },
    {
      id: `${FOOTPRINTS}-name`, type: "symbol", source: FOOTPRINTS, minzoom: 15,
      layout: { "text-field": ["get", "name"], "text-size": 12 },
      paint: { "text-color": "#3d1f7d", "text-halo-color": "#fff", "text-halo-width": 1.6 },
    },
    {
      id: `${PLAN}-fill`, type: "fill", source: PLAN, filter: AREAS,
      layout: { "fill-sort-key": ["get", "order"] }, paint: { "fill-color": byPart(0) },
    },
    {
      id: `${PLAN}-line`, type: "line", source: PLAN,
      layout: { "line-sort-key": ["get", "order"] }, paint: { "line-color": byPart(1), "line-width": byPart(2) },
    },
    {
      id: `${PLAN}-name`, type: "symbol", source: PLAN, filter: ["==", ["get", "part"], "space"], minzoom: 18,
      layout: { "text-field": ["coalesce", ["get", "long_name"], ["get", "name"], ""], "text-size": 11, "text-padding": 3 },
      paint: { "text-color": "#4b4436", "text-halo-color": "#fffdf5", "text-halo-width": 1.4 },
    },
  ];
}

export class BimLayers {
  constructor(private readonly gl: GlMap) {
    for (const source of [FOOTPRINTS, PLAN]) gl.addSource(source, { type: "geojson", data: NOTHING });
    for (const layer of layers()) gl.addLayer(layer, gl.getLayer("highlight-fill") ? "highlight-fill" : undefined);
  }

  footprints(data: GeoJSON.FeatureCollection<GeoJSON.Geometry | null>): void {
    this.fill(FOOTPRINTS, data);
  }

  plan(data: GeoJSON.FeatureCollection): void {
    this.fill(PLAN, data);
    const planned = data.features.length > 0;
    for (const layer of [`${FOOTPRINTS}-fill`, `${FOOTPRINTS}-name`]) this.gl.setLayoutProperty(layer, "visibility", planned ? "none" : "visible");
  }

  /** Draw pipes, ducts and devices too, or not. */
  equipment(on: boolean): void {
    const shown: ExpressionSpecification = on ? ["literal", true] : ["!=", ["get", "part"], "equipment"];
    this.gl.setFilter(`${PLAN}-fill`, ["all", AREAS, shown]);
    this.gl.setFilter(`${PLAN}-line`, shown);
  }

  modelAt(point: PointLike): ModelFacts | null {
    const [found] = this.gl.queryRenderedFeatures(point, { layers: [`${FOOTPRINTS}-fill`, `${FOOTPRINTS}-line`] });
    return found ? (found.properties as unknown as ModelFacts) : null;
  }

  /** The element of the plan that is meant: of several the one a plan draws on top. */
  elementAt(x: number, y: number): PlanFacts | null {
    const around: [PointLike, PointLike] = [[x - PICKED_PX, y - PICKED_PX], [x + PICKED_PX, y + PICKED_PX]];
    const found = this.gl.queryRenderedFeatures(around, { layers: [`${PLAN}-fill`, `${PLAN}-line`] });
    const [top] = found.map((one) => one.properties as unknown as PlanFacts).sort((a, b) => b.order - a.order);
    return top ?? null;
  }

  private fill(source: string, data: GeoJSON.FeatureCollection<GeoJSON.Geometry | null>): void {
    (this.gl.getSource(source) as GeoJSONSource).setData(data as GeoJSON.FeatureCollection);
  }
}
