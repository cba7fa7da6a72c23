/** The middle of an area, weighed by size: precise enough to put a report on the map. */

import type { Shape } from "./api";

type Position = GeoJSON.Position;

export function centroidOf(shape: Shape): [number, number] | null {
  const rings = (shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates).map(([outer]) => outer ?? []);
  let [twice, x, y] = [0, 0, 0];
  const [origin] = rings[0] ?? [];
  if (!origin) return null;
  for (const ring of rings) {
    const own = sumsOf(ring, origin);
    const turn = Math.sign(own.twice);
    [twice, x, y] = [twice + turn * own.twice, x + turn * own.x, y + turn * own.y];
  }
  return twice === 0 ? [origin[0] ?? 0, origin[1] ?? 0] : [(origin[0] ?? 0) + x / (3 * twice), (origin[1] ?? 0) + y / (3 * twice)];
}

/** Twice the area of a ring and its moments; negative where it runs clockwise. */
function sumsOf(ring: Position[], origin: Position): { twice: number; x: number; y: number } {
  const sums = { twice: 0, x: 0, y: 0 };
  for (let place = 0; place + 1 < ring.length; place += 1) {
    const [ax, ay] = from(ring[place], origin), [bx, by] = from(ring[place + 1], origin);
    const cross = ax * by - bx * ay;
    sums.twice += cross;
    sums.x += (ax + bx) * cross;
    sums.y += (ay + by) * cross;
  }
  return sums;
}

/** Reckoned from a corner, as differences of big numbers would lose digits. */
function from(position: Position | undefined, origin: Position): [number, number] {
  return [(position?.[0] ?? 0) - (origin[0] ?? 0), (position?.[1] ?? 0) - (origin[1] ?? 0)];
}
