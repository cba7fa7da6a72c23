/** Talking to the server: relative addresses only, problems as errors a person can read. */

export interface Text {
  zh: string;
  en: string;
}
export interface FieldInfo {
  name: string;
  type: string;
  title: Text;
  unit: string;
  codes: Record<string, Text> | null;
}
export interface LayerInfo {
  id: string;
  title: Text;
  description: Text;
  theme: string;
  grade: string;
  geometry: string;
  content: "vector" | "raster" | "city" | "pointcloud" | "tileset";
  kind: Text;
  attribution: string;
  version: number;
  feature_count: number;
  bbox: [number, number, number, number] | null;
  minzoom: number;
  maxzoom: number;
  order: number;
  default_visible: boolean;
  draft: boolean;
  fields: FieldInfo[];
  tiles: string;
  style: string;
  scene?: SceneFacts | null;
}
export type SceneKind = "extrusion" | "volume" | "tube" | "city" | "model" | "mesh" | "points";
/** The tileset of a layer or a model, and what its features' rows have. */
export interface SceneFacts {
  tileset: string;
  kind: SceneKind;
  fields: (string | { name: string })[];
  /** Codes of the buildings it shows better than their blocks do. */
  hides?: string[];
  /** Of meshes: the layer whose footprints tell its buildings apart. */
  footprints?: string | null;
}
export interface ModelInfo {
  id: string;
  name: string;
  version: number;
  building_code?: string | null;
  scene?: SceneFacts | null;
}
export interface Catalog {
  themes: { id: string; title: Text }[];
  layers: LayerInfo[];
  models?: ModelInfo[];
  view: { bbox: [number, number, number, number] | null };
  definitions: Definition[];
  scene?: { terrain: string | null; tileset: string | null; reason: Text | null } | null;
}
export interface Definition {
  id: string;
  title: Text;
  geometry: string;
  key: string | null;
  fields: { name: string; title: Text; aliases: string[] }[];
}
export interface LegendEntry {
  label: Text;
  kind: string;
  color: string;
  outline?: string;
}
export interface RasterSource {
  type: "raster" | "raster-dem";
  tiles: string[];
  tileSize: number;
  minzoom: number;
  maxzoom: number;
  bounds: [number, number, number, number];
  attribution?: string;
  encoding?: "mapbox";
}
/** Of layers of images also their source, the styles they can be drawn in, and the terrain of heights. */
export interface LayerStyle {
  layers: Record<string, unknown>[];
  legend: LegendEntry[];
  source?: RasterSource;
  style?: string;
  styles?: { id: string; title: Text }[];
  terrain?: RasterSource;
}
export interface Session {
  user: { name: string; role: string } | null;
  role: string;
  operations: string[];
  csrf: string | null;
}
export interface Hit {
  layer: string;
  fid: number;
  title: string;
  subtitle: string;
  kind: string;
  lon: number;
  lat: number;
}
export interface Identified {
  layer: string;
  fid: number;
  title: string;
  properties: Record<string, unknown>;
  distance_m: number;
  geometry: GeoJSON.Geometry;
}

/** The height of a place by one layer of heights, in metres above its datum. */
export interface HeightHere {
  layer: string;
  height_m: number;
  height_datum: string | null;
  cell_m: number;
}

/** What the server, or the way to it, says is wrong; `where` names the file, field or parcel. */
export class Problem extends Error {
  constructor(
    readonly what: string, readonly where = "", readonly remedy = "", readonly status = 0,
  ) {
    super([what, remedy].filter(Boolean).join(" · "));
  }
}

export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (await answered(path, init)).json()) as T;
}

/** Ask for a file and hand it to the browser to keep under a name. */
export async function download(path: string, name: string, init?: RequestInit): Promise<void> {
  keepFile(await (await answered(path, init)).blob(), name);
}

/** Hand bytes to the browser to keep under a name. */
export function keepFile(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** A good answer of the server; Problem when it is none. */
export async function answered(path: string, init?: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    const headers = { ...(init?.headers as Record<string, string> | undefined), "Accept-Language": document.documentElement.lang };
    answer = await fetch(path, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem("服务器无法连接 The server cannot be reached");
  }
  if (answer.ok) return answer;
  let told: { detail?: string; where?: string; remedy?: string } = {};
  try {
    told = (await answer.json()) as typeof told;
  } catch {
    /* the answer was no problem document; its status says enough */
  }
  throw new Problem(told.detail || `${answer.status} ${answer.statusText}`, told.where, told.remedy, answer.status);
}
