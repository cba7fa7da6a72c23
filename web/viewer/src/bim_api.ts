/** Building models as the server tells them. */

import { ask } from "./api";
import { PRESENT, withState } from "./shown_state";

export interface ModelFacts {
  id: string;
  name: string;
  version: number;
  element_count: number;
  building_code: string | null;
  cim_level: number | null;
  z_min_m: number | null;
  z_max_m: number | null;
  bbox: number[] | string | null;
}
export interface Storey {
  global_id: string;
  name: string | null;
  storey_number: number | null;
  elevation_m: number | null;
  elements: number;
}
interface Named {
  global_id: string;
  class: string;
  name: string | null;
  long_name: string | null;
}
export interface PlanFacts extends Named {
  part: string;
  order: number;
}
export interface ElementRecord extends Named {
  kind: string;
  description: string | null;
  object_type: string | null;
  predefined_type: string | null;
  type_name: string | null;
  storey_name: string | null;
  space: string | null;
  z_min_m: number | null;
  z_max_m: number | null;
  systems: string[];
  materials: string[];
  classifications: { system: string; code: string; name: string }[];
  properties: Record<string, Record<string, unknown>>;
  quantities: Record<string, Record<string, number>>;
  inherited: string[];
}
export type Plan = GeoJSON.FeatureCollection<GeoJSON.Geometry, PlanFacts>;

const path = (model: string, rest: string): string => `/models/${encodeURIComponent(model)}${rest}`;

export function modelFootprints(): Promise<GeoJSON.FeatureCollection<GeoJSON.Geometry | null, ModelFacts>> {
  return ask("/models?f=geojson&limit=1000");
}

export async function storeysOf(model: string): Promise<Storey[]> {
  return (await ask<{ storeys: Storey[] }>(path(model, "/storeys"))).storeys;
}

export function planOf(model: string, storey: string): Promise<Plan> {
  return ask(path(model, `/storeys/${encodeURIComponent(storey)}/plan`));
}

/** An element, with what its systems, space and building are called by GlobalId. */
export interface ElementFeature extends GeoJSON.Feature<GeoJSON.Geometry | null, ElementRecord> {
  names: Record<string, string>;
}

export async function elementOf(model: string, id: string, state = PRESENT): Promise<ElementFeature> {
  return ask(withState(path(model, `/elements/${encodeURIComponent(id)}`), { ...state, scenario: "" }));
}
