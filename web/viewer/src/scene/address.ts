/** The 3D view in the address, beside the place of the flat map: `#view=…&3d=lat/lon/height/heading/pitch&quality=low&scenario=…`. */

import { partsOf, writeParts } from "../hash_parts";
import { PRESENT, type ShownState } from "../shown_state";

/** Where the eye is: degrees, metres above the ellipsoid, heading from north clockwise, pitch below the horizon negative. */
export interface Eye {
  lat: number;
  lon: number;
  height_m: number;
  heading_deg: number;
  pitch_deg: number;
}
export interface SceneAddress {
  on: boolean;
  eye: Eye | null;
  plain: boolean;
  state: ShownState;
}

const SCENE = "3d";
const QUALITY = "quality";
const AT = "at";
const SCENARIO = "scenario";

/** What the address says; `eye` is null where it asks for 3D at the place of the flat map. */
export function readScene(hash = location.hash): SceneAddress {
  const parts = partsOf(hash);
  const text = parts.get(SCENE);
  const numbers = (text ?? "").split("/").map(Number);
  const [lat, lon, height_m, heading_deg, pitch_deg] = numbers;
  const eye = numbers.length === 5 && numbers.every(Number.isFinite) && inWorld(lat, lon, pitch_deg) ? { lat, lon, height_m, heading_deg, pitch_deg } as Eye : null;
  return { on: text !== undefined, eye, plain: parts.get(QUALITY) === "low", state: stateIn(parts) };
}

/** Put the eye, and the place of the flat map that shows the same, into the address; null takes the 3D view out of it. */
export function writeScene(eye: Eye | null, view?: string): void {
  const parts = partsOf(location.hash);
  if (view) parts.set("view", view);
  if (eye) parts.set(SCENE, eyeText(eye));
  else for (const name of [SCENE, AT, SCENARIO]) parts.delete(name);
  writeParts(parts);
}

/** Put the state that is shown into the address; the present takes it out. */
export function writeState({ at, scenario }: ShownState): void {
  const parts = partsOf(location.hash);
  for (const [name, value] of [[AT, at], [SCENARIO, scenario]] as const) {
    if (value) parts.set(name, encodeURIComponent(value));
    else parts.delete(name);
  }
  writeParts(parts);
}

export function writeQuality(plain: boolean): void {
  const parts = partsOf(location.hash);
  if (plain) parts.set(QUALITY, "low");
  else parts.delete(QUALITY);
  writeParts(parts);
}

export function eyeText({ lat, lon, height_m, heading_deg, pitch_deg }: Eye): string {
  return [lat.toFixed(7), lon.toFixed(7), height_m.toFixed(2), heading_deg.toFixed(2), pitch_deg.toFixed(2)].join("/");
}

function stateIn(parts: Map<string, string>): ShownState {
  const read = (name: string): string => {
    try {
      return decodeURIComponent(parts.get(name) ?? "");
    } catch {
      return "";
    }
  };
  const scenario = read(SCENARIO);
  return scenario ? { ...PRESENT, scenario } : { ...PRESENT, at: read(AT) };
}

function inWorld(lat = NaN, lon = NaN, pitch = NaN): boolean {
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && Math.abs(pitch) <= 90;
}
