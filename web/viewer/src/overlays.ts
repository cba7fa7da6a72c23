/** Findings drawn over the map: faults of a delivery, changes between two versions. */

import type { LayerSpecification } from "maplibre-gl";

type Box = [number, number, number, number];

const COLOUR = [
  "match", ["get", "kind"], "added", "#0a8f3c", "removed", "#c4281b", "changed", "#d98a00", "found", "#0b63b0", "#d0021b",
] as unknown as string;

export const NOTHING: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

/** Areas filled thinly, edges strongly, points as rings: a fault must be seen on any layer below it. */
export function overlayLayers(source: string): LayerSpecification[] {
  const points = ["==", ["geometry-type"], "Point"] as unknown as boolean;
  const areas = ["==", ["geometry-type"], "Polygon"] as unknown as boolean;
  return [
    { id: `${source}-fill`, type: "fill", source, filter: areas, paint: { "fill-color": COLOUR, "fill-opacity": 0.3 } },
    { id: `${source}-line`, type: "line", source, paint: { "line-color": COLOUR, "line-width": 2.5 } },
    {
      id: `${source}-circle`, type: "circle", source, filter: points,
      paint: { "circle-radius": 7, "circle-color": "#fff", "circle-stroke-color": COLOUR, "circle-stroke-width": 3 },
    },
  ];
}

/** A finding as a line: the message of a fault with its row, or what became of a feature. */
export function findingText(properties: Record<string, unknown>): string {
  const row = properties["row"] ? `#${properties["row"]} ` : "";
  return properties["message"] ? `${row}${properties["message"]}` : `${properties["kind"]} ${properties["key"]}`;
}

/** Room for the panels on both sides of a wide page. */
export function besidePanels(width: number): { top: number; bottom: number; left: number; right: number } {
  const wide = width > 1000;
  return { top: 60, bottom: 60, left: wide ? 340 : 60, right: wide ? 470 : 60 };
}

/** West, south, east, north of all positions; null where there are none. */
export function extent(data: GeoJSON.FeatureCollection): Box | null {
  const box: Box = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    const [x, y] = part as unknown[];
    if (typeof x === "number" && typeof y === "number") {
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    } else part.forEach(visit);
  };
  for (const feature of data.features) if (feature.geometry && "coordinates" in feature.geometry) visit(feature.geometry.coordinates);
  return box[0] <= box[2] ? box : null;
}
