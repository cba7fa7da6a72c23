/** Areas that an incident has for analyses: its own, marks that are areas, and what analyses of its timeline found. */

import type { OfferedArea } from "../area_input";
import { term as workTerm } from "../work_words";
import type { Whole } from "./api";
import { analysisName, areasOf } from "./kept_areas";
import { markName } from "./symbols";

type Area = GeoJSON.Polygon | GeoJSON.MultiPolygon;

/** Its own first, then marks, then the newest of what was found. */
export function offeredAreas({ area, marks, entries }: Whole): OfferedArea[] {
  const own = area ? [{ name: workTerm("areaOfIncident"), shape: area }] : [];
  const marked = marks.filter((one) => !one.removed).flatMap((one) => (isArea(one.geometry) ? [{ name: markName(one), shape: one.geometry }] : []));
  const found = entries.flatMap((entry) => areasOf(entry).flatMap(({ geometry, properties }) => (isArea(geometry)
    ? [{ name: `${String(properties?.["title"] ?? analysisName(entry.body))} · ${workTerm("entryNumber")} ${entry.number}`, shape: geometry }] : [])));
  return [...own, ...marked, ...found.reverse()];
}

function isArea(shape: GeoJSON.Geometry): shape is Area {
  return shape.type === "Polygon" || shape.type === "MultiPolygon";
}
