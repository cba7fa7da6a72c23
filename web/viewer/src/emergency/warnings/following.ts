/** What an Update or Cancel takes over from the warning that it follows. */

import { infoOf, type Whole } from "./api";
import type { AreaForm } from "./area_input";

const OFFICE = /^\d{14}$/;

/** Whether it was issued here, so that it may be updated and cancelled here. */
export function isOurs(whole: Whole): boolean {
  return whole.history.some((one) => one.action === "issued");
}

/** Members of a form that refers to a warning: the sender has to be the same. */
export function following(first: Whole, kind: "Update" | "Cancel"): Record<string, unknown> {
  return { msgType: kind, references: [first.code], scope: first.scope, sender: first.sender, ...(OFFICE.test(first.sender) ? { issuer: first.sender } : {}) };
}

/** The area of a warning as a form has it; null where it has none. */
export function keptArea(whole: Whole): AreaForm | null {
  const areas = infoOf(whole)?.areas ?? [];
  const description = areas.map((one) => one.description).filter(Boolean).join("、");
  const circles = areas.flatMap((one) => one.circles), rings = areas.flatMap((one) => one.polygons), codes = areas.flatMap((one) => one.geocodes.map(([, code]) => code));
  const named = description ? { description } : {};
  if (circles.length > 1) return whole.geometry ? { ...named, polygon: whole.geometry } : null;
  const [only] = circles;
  const round = only ? { circle: { lon: only.centre[0], lat: only.centre[1], radius_km: only.radius_km } } : {};
  const drawn = rings.length ? { polygon: { type: "MultiPolygon" as const, coordinates: rings.map((ring) => [ring]) } } : {};
  const found: AreaForm = { ...named, ...round, ...drawn, ...(codes.length ? { geocodes: codes } : {}) };
  return only || rings.length || codes.length ? found : null;
}
