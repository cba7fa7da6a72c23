/** The 3D view in the address, beside the place of the flat map: `#view=…&3d=lat/lon/height/heading/pitch&quality=low`. */

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
}

const SCENE = "3d";
const QUALITY = "quality";

/** What the address says; `eye` is null where it asks for 3D at the place of the flat map. */
export function readScene(hash = location.hash): SceneAddress {
  const parts = partsOf(hash);
  const text = parts.get(SCENE);
  const numbers = (text ?? "").split("/").map(Number);
  const [lat, lon, height_m, heading_deg, pitch_deg] = numbers;
  const eye = numbers.length === 5 && numbers.every(Number.isFinite) && inWorld(lat, lon, pitch_deg) ? { lat, lon, height_m, heading_deg, pitch_deg } as Eye : null;
  return { on: text !== undefined, eye, plain: parts.get(QUALITY) === "low" };
}

/** Put the eye, and the place of the flat map that shows the same, into the address; null takes the 3D view out of it. */
export function writeScene(eye: Eye | null, view?: string): void {
  const parts = partsOf(location.hash);
  if (view) parts.set("view", view);
  if (eye) parts.set(SCENE, eyeText(eye));
  else parts.delete(SCENE);
  const text = [...parts].map(([name, value]) => (value === "" ? name : `${name}=${value}`)).join("&");
  history.replaceState(history.state, "", `${location.pathname}${location.search}${text ? `#${text}` : ""}`);
}

export function writeQuality(plain: boolean): void {
  const parts = partsOf(location.hash);
  if (plain) parts.set(QUALITY, "low");
  else parts.delete(QUALITY);
  history.replaceState(history.state, "", `${location.pathname}${location.search}#${[...parts].map(([name, value]) => `${name}=${value}`).join("&")}`);
}

export function eyeText({ lat, lon, height_m, heading_deg, pitch_deg }: Eye): string {
  return [lat.toFixed(7), lon.toFixed(7), height_m.toFixed(2), heading_deg.toFixed(2), pitch_deg.toFixed(2)].join("/");
}

function inWorld(lat = NaN, lon = NaN, pitch = NaN): boolean {
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && Math.abs(pitch) <= 90;
}

function partsOf(hash: string): Map<string, string> {
  const parts = hash.replace(/^#/, "").split("&").filter(Boolean);
  return new Map(parts.map((part): [string, string] => {
    const at = part.indexOf("=");
    return at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
  }));
}
