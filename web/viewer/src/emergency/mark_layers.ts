/** Marks of an incident on the flat map, and what analyses drew below them. */

import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as GlMap } from "maplibre-gl";
import { NOTHING } from "../overlays";
import { AREA_OPACITY, type Role } from "./area_shapes";
import type { Board } from "./board";
import { CHOSEN_COLOUR, markColour, markName, symbolOf } from "./symbols";

const MARKS = "incident-marks";
const AREAS = "incident-areas";
const REACH_PX = 5;
const POINT: ExpressionSpecification = ["==", ["geometry-type"], "Point"];
const LINE: ExpressionSpecification = ["==", ["geometry-type"], "LineString"];
const AREA: ExpressionSpecification = ["==", ["geometry-type"], "Polygon"];
const CHOSEN: ExpressionSpecification = ["==", ["get", "chosen"], true];

function layers(): LayerSpecification[] {
  const halo = { "text-halo-color": "#ffffff", "text-halo-width": 1.8 };
  const role = (name: Role): ExpressionSpecification => ["==", ["get", "role"], name];
  return [
    { id: `${AREAS}-fill`, type: "fill", source: AREAS, filter: role("area"), paint: { "fill-color": ["get", "colour"], "fill-opacity": AREA_OPACITY } },
    { id: `${AREAS}-edge`, type: "line", source: AREAS, filter: role("area"), paint: { "line-color": ["get", "colour"], "line-width": 1.8, "line-dasharray": [4, 2] } },
    { id: `${AREAS}-line`, type: "line", source: AREAS, filter: role("line"), paint: { "line-color": ["get", "colour"], "line-width": 1.6 } },
    { id: `${AREAS}-point`, type: "circle", source: AREAS, filter: role("place"), paint: { "circle-radius": 4.5, "circle-color": ["get", "colour"], "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.5 } },
    {
      id: `${AREAS}-name`, type: "symbol", source: AREAS, filter: role("place"), minzoom: 13,
      layout: { "text-field": ["get", "name"], "text-size": 12, "text-offset": [0, 0.8], "text-anchor": "top" }, paint: { "text-color": "#5e3b10", ...halo },
    },
    {
      id: `${AREAS}-label`, type: "symbol", source: AREAS, filter: role("label"),
      layout: { "text-field": ["get", "name"], "text-size": 12.5 }, paint: { "text-color": ["get", "colour"], ...halo },
    },
    { id: `${MARKS}-chosen`, type: "line", source: MARKS, filter: CHOSEN, paint: { "line-color": CHOSEN_COLOUR, "line-width": 11, "line-opacity": 0.55 } },
    { id: `${MARKS}-chosen-point`, type: "circle", source: MARKS, filter: ["all", CHOSEN, POINT], paint: { "circle-radius": 17, "circle-color": CHOSEN_COLOUR, "circle-opacity": 0.6 } },
    { id: `${MARKS}-fill`, type: "fill", source: MARKS, filter: AREA, paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.2 } },
    { id: `${MARKS}-edge`, type: "line", source: MARKS, filter: AREA, paint: { "line-color": ["get", "colour"], "line-width": 2.5 } },
    { id: `${MARKS}-casing`, type: "line", source: MARKS, filter: LINE, paint: { "line-color": "#ffffff", "line-width": 7 } },
    { id: `${MARKS}-line`, type: "line", source: MARKS, filter: LINE, paint: { "line-color": ["get", "colour"], "line-width": 4 } },
    {
      id: `${MARKS}-point`, type: "circle", source: MARKS, filter: POINT,
      paint: { "circle-radius": 12, "circle-color": ["get", "colour"], "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 },
    },
    {
      id: `${MARKS}-sign`, type: "symbol", source: MARKS, filter: POINT,
      layout: { "text-field": ["get", "sign"], "text-size": 14, "text-allow-overlap": true, "text-ignore-placement": true }, paint: { "text-color": "#ffffff" },
    },
    {
      id: `${MARKS}-name`, type: "symbol", source: MARKS,
      layout: {
        "text-field": ["get", "name"], "text-size": 13, "text-offset": ["case", ["==", ["geometry-type"], "Point"], ["literal", [0, 1.1]], ["literal", [0, 0]]],
        "text-anchor": "top", "text-allow-overlap": true,
      },
      paint: { "text-color": ["get", "colour"], ...halo },
    },
  ];
}

export class MarkLayers {
  private readonly forget: () => void;

  constructor(private readonly gl: GlMap, private readonly board: Board) {
    for (const source of [AREAS, MARKS]) if (!gl.getSource(source)) gl.addSource(source, { type: "geojson", data: NOTHING });
    for (const layer of layers()) if (!gl.getLayer(layer.id)) gl.addLayer(layer);
    this.forget = board.follow(() => this.draw());
  }

  end(): void {
    this.forget();
  }

  /** The number of the mark at a point of the map; of areas the edge and the name count, what lies in them can be asked for. */
  at(x: number, y: number): number | null {
    const box: [[number, number], [number, number]] = [[x - REACH_PX, y - REACH_PX], [x + REACH_PX, y + REACH_PX]];
    const [found] = this.gl.queryRenderedFeatures(box, { layers: ["point", "line", "edge", "name"].map((part) => `${MARKS}-${part}`) });
    return typeof found?.id === "number" ? found.id : null;
  }

  /** What is drawn, by name. */
  get drawn(): string[] {
    return this.board.marks.map(markName);
  }

  private draw(): void {
    const { marks, chosen, areas } = this.board;
    const features = marks.map((mark): GeoJSON.Feature => {
      const { sign } = symbolOf(mark.symbol);
      return { type: "Feature", id: mark.number, geometry: mark.geometry, properties: { colour: markColour(mark), sign, name: markName(mark), chosen: mark.number === chosen } };
    });
    (this.gl.getSource(MARKS) as GeoJSONSource).setData({ type: "FeatureCollection", features });
    (this.gl.getSource(AREAS) as GeoJSONSource).setData({ type: "FeatureCollection", features: [...areas] });
  }
}
