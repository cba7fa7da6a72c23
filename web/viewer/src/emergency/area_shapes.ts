/** What an analysis drew, as both views draw it: areas, lines and places in the colour of the analysis, areas with their names. */

import { markTerm } from "./marks/words";

export type Role = "area" | "line" | "place" | "label";
export interface AreaProperties {
  role: Role;
  colour: string;
  name: string;
}

export const AREA_OPACITY = 0.09;
/** The analysis whose rings are drawn as areas; what lies in them is in its tables. */
export const PICTURE = "incident-picture";
const FOUND = "#b5651d";
const COLOURS: Record<string, string> = {
  [PICTURE]: "#0b63b0", isochrone: "#0a8f3c", "nearest-resources": "#0a8f3c", evacuation: "#7b3fb5", plume: "#c2410c", flood: "#1769c4",
};
const OTHER = "#34465a";
/** Too many to be drawn one by one; they are in the tables. */
const UNDRAWN = new Set(["organisations"]);

/** The shapes of an answer, or of an entry of the timeline; of a picture its rings are areas, all else is what it found. */
export function areaShapes(process: string, features: readonly GeoJSON.Feature[]): GeoJSON.Feature[] {
  const colour = COLOURS[process] ?? OTHER;
  return features.filter((one) => !UNDRAWN.has(String(one.properties?.["kind"]))).flatMap((feature) => {
    const found = process === PICTURE && feature.properties?.["kind"] !== "ring";
    const role = roleOf(feature.geometry, found);
    const name = nameOf(feature.properties ?? {});
    const shapes = [shape(feature.geometry, { role, colour: found ? FOUND : colour, name })];
    const top = role === "area" && name ? northmost(feature.geometry) : null;
    if (top) shapes.push(shape({ type: "Point", coordinates: top }, { role: "label", colour, name }));
    return shapes;
  });
}

function shape(geometry: GeoJSON.Geometry, properties: AreaProperties): GeoJSON.Feature {
  return { type: "Feature", properties: { ...properties }, geometry };
}

function roleOf({ type }: GeoJSON.Geometry, found: boolean): Role {
  if (type.endsWith("Point")) return "place";
  return type.endsWith("Polygon") && !found ? "area" : "line";
}

function nameOf(properties: Record<string, unknown>): string {
  const { title, name, minutes, radius_m: radius } = properties;
  if (typeof title === "string" || typeof name === "string") return String(title ?? name);
  if (typeof minutes === "number") return `${minutes} ${markTerm("minutes")}`;
  return typeof radius === "number" ? `${radius} ${markTerm("metres")}` : "";
}

function northmost(geometry: GeoJSON.Geometry): GeoJSON.Position | null {
  const rings = geometry.type === "Polygon" ? geometry.coordinates : geometry.type === "MultiPolygon" ? geometry.coordinates.flat() : [];
  const places = rings.flat();
  return places.length ? places.reduce((top, one) => ((one[1] ?? 0) > (top[1] ?? 0) ? one : top)) : null;
}
