/** Colours of warnings on the map, and the hatched picture that fills areas of what is not real. */

import type { Map as GlMap } from "maplibre-gl";
import type { Colour } from "./api";

export const PAINT: Record<Colour | "none", string> = { red: "#d7191c", orange: "#f57c00", yellow: "#e6b800", blue: "#1769c4", none: "#5b6b7c" };

const SIZE_PX = 16;
const STRIPE_PX = 5;
const OPAQUE = 255;
const HATCH_ALPHA = 150;

export const hatchName = (colour: Colour | "none"): string => `warning-hatch-${colour}`;

/** Give the map a picture of slanting stripes for each colour. */
export function addHatches(gl: GlMap): void {
  for (const [colour, paint] of Object.entries(PAINT) as [Colour | "none", string][]) {
    if (!gl.hasImage(hatchName(colour))) gl.addImage(hatchName(colour), { width: SIZE_PX, height: SIZE_PX, data: stripes(paint) });
  }
}

/** Stripes that go on over the edges of the picture. */
function stripes(paint: string): Uint8Array {
  const rgb = [1, 3, 5].map((place) => Number.parseInt(paint.slice(place, place + 2), 16));
  const data = new Uint8Array(SIZE_PX * SIZE_PX * 4);
  for (let y = 0; y < SIZE_PX; y += 1) {
    for (let x = 0; x < SIZE_PX; x += 1) {
      const inside = (x + y) % SIZE_PX < STRIPE_PX;
      data.set(inside ? [...rgb, HATCH_ALPHA] : [OPAQUE, OPAQUE, OPAQUE, 0], (y * SIZE_PX + x) * 4);
    }
  }
  return data;
}
