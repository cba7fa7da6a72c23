/** One place for both views: the camera of the flat map, and the eye that sees the same ground. */

import type { Camera } from "../cameras";

const EQUATOR_M = 40_075_016.686;
const TILE_PX = 512;

/** A point on the ground looked at from a distance, under angles in degrees; pitch is below the horizon negative. */
export interface Look {
  lat: number;
  lon: number;
  range_m: number;
  heading_deg: number;
  pitch_deg: number;
}

/** The ground a view of a height in pixels and an upright angle of view (radians) covers at a zoom of the flat map. */
export function lookOf({ lat, lon, zoom, bearing, pitch }: Camera, height_px: number, fovy: number): Look {
  const metres = (EQUATOR_M * Math.cos((lat * Math.PI) / 180)) / (TILE_PX * 2 ** zoom);
  return { lat, lon, range_m: (metres * height_px) / 2 / Math.tan(fovy / 2), heading_deg: bearing, pitch_deg: pitch - 90 };
}

/** The camera of the flat map that shows what is looked at; `pitch` is the flat map's own. */
export function cameraOf({ lat, lon, range_m, heading_deg }: Look, height_px: number, fovy: number, pitch: number): Camera {
  const metres = (range_m * 2 * Math.tan(fovy / 2)) / height_px;
  const zoom = Math.log2((EQUATOR_M * Math.cos((lat * Math.PI) / 180)) / (TILE_PX * metres));
  return { lat, lon, zoom: Math.min(22, Math.max(0, zoom)), bearing: turned(heading_deg), pitch };
}

/** An angle as the flat map writes it, from -180 to 180 degrees. */
function turned(angle_deg: number): number {
  return ((((angle_deg + 180) % 360) + 360) % 360) - 180;
}
