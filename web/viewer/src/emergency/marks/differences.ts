/** What differs between two versions of a mark. */

import type { Mark } from "../api";
import { markName, symbolName } from "../symbols";
import { metresBetween } from "./shape";
import { markTerm } from "./words";

export type Part = "label" | "symbol" | "geometry" | "style";
type Parts = Pick<Mark, Part>;

const PARTS: Part[] = ["label", "symbol", "geometry", "style"];

/** The parts of a mark that are not as they were. */
export function changedParts(before: Parts, after: Parts): Partial<Parts> {
  return Object.fromEntries(PARTS.filter((part) => JSON.stringify(before[part]) !== JSON.stringify(after[part])).map((part) => [part, after[part]]));
}

/** What was changed, in words. */
export function changeText(before: Mark, after: Mark): string {
  const changed = changedParts(before, after);
  const said: string[] = [];
  if (changed.symbol !== undefined) said.push(`${markTerm("symbol")}“${symbolName(before.symbol)}”→“${symbolName(after.symbol)}”`);
  if (changed.label !== undefined && markName(before) !== markName(after)) said.push(`${markTerm("label")}“${markName(before)}”→“${markName(after)}”`);
  if (changed.geometry) said.push(movement(before.geometry, after.geometry));
  if (changed.style) said.push(markTerm("restyled"));
  return said.join("，");
}

function movement(before: GeoJSON.Geometry, after: GeoJSON.Geometry): string {
  if (before.type !== "Point" || after.type !== "Point") return markTerm("reshaped");
  return `${markTerm("movedBy")} ${Math.round(metresBetween(before.coordinates, after.coordinates))} ${markTerm("metres")}`;
}
