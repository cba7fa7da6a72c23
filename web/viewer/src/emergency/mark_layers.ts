/** Marks of an incident on the flat map, and the rings and places of its picture below them. */

import type { FilterSpecification, GeoJSONSource, LayerSpecification, Map as GlMap } from "maplibre-gl";
import { NOTHING } from "../overlays";
import type { Mark } from "./api";
import { markName, symbolOf } from "./symbols";

const MARKS = "incident-marks";
const PICTURE = "incident-picture";
const POINTS: FilterSpecification = ["==", ["geometry-type"], "Point"];
const LINES: FilterSpecification = ["==", ["geometry-type"], "LineString"];
const AREAS: FilterSpecification = ["==", ["geometry-type"], "Polygon"];
const RINGS: FilterSpecification = ["all", AREAS, ["==", ["get", "kind"], "ring"]];

function layers(): LayerSpecification[] {
  const halo = { "text-halo-color": "#ffffff", "text-halo-width": 1.8 };
  return [
    { id: `${PICTURE}-fill`, type: "fill", source: PICTURE, filter: RINGS, paint: { "fill-color": "#0b63b0", "fill-opacity": 0.07 } },
    { id: `${PICTURE}-ring`, type: "line", source: PICTURE, filter: RINGS, paint: { "line-color": "#0b63b0", "line-width": 1.8, "line-dasharray": [4, 2] } },
    { id: `${PICTURE}-line`, type: "line", source: PICTURE, filter: ["!=", ["get", "kind"], "ring"], paint: { "line-color": "#b5651d", "line-width": 1.6 } },
    { id: `${PICTURE}-point`, type: "circle", source: PICTURE, filter: POINTS, paint: { "circle-radius": 4.5, "circle-color": "#b5651d", "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.5 } },
    {
      id: `${PICTURE}-name`, type: "symbol", source: PICTURE, filter: POINTS, minzoom: 13,
      layout: { "text-field": ["coalesce", ["get", "title"], ""], "text-size": 12, "text-offset": [0, 0.8], "text-anchor": "top" }, paint: { "text-color": "#5e3b10", ...halo },
    },
    { id: `${MARKS}-fill`, type: "fill", source: MARKS, filter: AREAS, paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.2 } },
    { id: `${MARKS}-edge`, type: "line", source: MARKS, filter: AREAS, paint: { "line-color": ["get", "colour"], "line-width": 2.5 } },
    { id: `${MARKS}-casing`, type: "line", source: MARKS, filter: LINES, paint: { "line-color": "#ffffff", "line-width": 7 } },
    { id: `${MARKS}-line`, type: "line", source: MARKS, filter: LINES, paint: { "line-color": ["get", "colour"], "line-width": 4 } },
    {
      id: `${MARKS}-point`, type: "circle", source: MARKS, filter: POINTS,
      paint: { "circle-radius": 12, "circle-color": ["get", "colour"], "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 },
    },
    {
      id: `${MARKS}-sign`, type: "symbol", source: MARKS, filter: POINTS,
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
  private kept: Mark[] = [];

  constructor(private readonly gl: GlMap) {
    for (const source of [PICTURE, MARKS]) if (!gl.getSource(source)) gl.addSource(source, { type: "geojson", data: NOTHING });
    for (const layer of layers()) if (!gl.getLayer(layer.id)) gl.addLayer(layer);
  }

  marks(marks: Mark[]): void {
    this.kept = marks;
    const features = marks.map((mark): GeoJSON.Feature => {
      const { colour, sign } = symbolOf(mark.symbol);
      return { type: "Feature", id: mark.number, geometry: mark.geometry, properties: { colour: colourOf(mark) ?? colour, sign, name: markName(mark) } };
    });
    (this.gl.getSource(MARKS) as GeoJSONSource).setData({ type: "FeatureCollection", features });
  }

  picture(shapes: GeoJSON.FeatureCollection): void {
    (this.gl.getSource(PICTURE) as GeoJSONSource).setData(shapes);
  }

  /** What is drawn, by name. */
  get drawn(): string[] {
    return this.kept.map(markName);
  }
}

function colourOf(mark: Mark): string | null {
  const given = mark.style["colour"] ?? mark.style["stroke"];
  return typeof given === "string" && /^#[0-9a-f]{3,8}$/i.test(given) ? given : null;
}
