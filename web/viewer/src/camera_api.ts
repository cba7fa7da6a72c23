/** What the server tells of cameras. */

import { ask } from "./api";

export interface CameraRecord {
  gb_code: string;
  online: boolean;
  sector: GeoJSON.Polygon | null;
  reach: GeoJSON.Polygon | null;
  /** Why it cannot be said what it sees; empty where it can. */
  unknown: string;
}
export type PartKind = "seen" | "terrain" | "building" | "built";
export interface CameraPart {
  kind: PartKind;
  title: string;
  area_m2: number;
  building_fid?: number;
  building?: string;
}
export interface CameraView extends GeoJSON.FeatureCollection<GeoJSON.Geometry, CameraPart> {
  target: { id: string; name: string; height_m: number };
  summary: { sector_m2: number; seen_m2: number; hidden_by_terrain_m2: number; hidden_by_buildings_m2: number; built_m2: number; cell_m: number };
  notes: string[];
}
export interface CameraStream {
  path: string;
  online: boolean;
}
export const TARGETS = ["person", "plate", "ground"] as const;
export type Target = (typeof TARGETS)[number];

const at = (code: string): string => `/cameras/${encodeURIComponent(code)}`;

export function cameraRecord(code: string): Promise<CameraRecord> {
  return ask(at(code));
}
export function cameraView(code: string, target: Target, turned: boolean): Promise<CameraView> {
  return ask(`${at(code)}/view?target=${target}&turned=${turned}`);
}
export function cameraStream(code: string): Promise<CameraStream> {
  return ask(`${at(code)}/play`);
}
