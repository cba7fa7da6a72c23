/** Lengths, areas and volumes of what is drawn in 3D; lengths and areas in the plan are those on the ellipsoid. */

import { Cartesian3, Cartographic, EllipsoidGeodesic, Math as CesiumMath, sampleTerrainMostDetailed, type TerrainProvider } from "cesium";

const A_M = 6_378_137;
const E2 = 0.006_694_380_022_900_787_6;
const MOST_SAMPLES = 1_600;

export interface Distance {
  straight_m: number;
  level_m: number;
  rise_m: number;
}

export function distanceOf(points: Cartesian3[]): Distance {
  const total: Distance = { straight_m: 0, level_m: 0, rise_m: 0 };
  for (const [number, to] of points.entries()) {
    const from = points[number - 1];
    if (!from) continue;
    const [a, b] = [Cartographic.fromCartesian(from), Cartographic.fromCartesian(to)];
    total.straight_m += Cartesian3.distance(from, to);
    total.level_m += new EllipsoidGeodesic(a, b).surfaceDistance;
    total.rise_m += b.height - a.height;
  }
  return total;
}

/** The area on the ellipsoid of a ring, by the strips its sides make with the equator. */
export function levelArea(points: Cartesian3[]): number {
  const ring = points.map((point) => Cartographic.fromCartesian(point));
  const strips = ring.map((from, number) => {
    const to = ring[(number + 1) % ring.length] ?? from;
    return (CesiumMath.negativePiToPi(to.longitude - from.longitude) * (strip(from.latitude) + strip(to.latitude))) / 2;
  });
  return Math.abs(strips.reduce((sum, one) => sum + one, 0));
}

/** Area between the equator and a latitude, for one radian of longitude. */
function strip(latitude: number): number {
  const e = Math.sqrt(E2);
  const s = Math.sin(latitude);
  return ((A_M ** 2 * (1 - E2)) / 2) * (s / (1 - E2 * s * s) + Math.atanh(e * s) / e);
}

/** The area of the flat figure that fits a ring in space best: of a roof or a wall. */
export function facetArea(points: Cartesian3[]): number {
  const first = points[0];
  if (!first) return 0;
  const sum = new Cartesian3();
  for (let number = 1; number + 1 < points.length; number += 1) {
    const [one, two] = [points[number] ?? first, points[number + 1] ?? first].map((point) => Cartesian3.subtract(point, first, new Cartesian3()));
    Cartesian3.add(sum, Cartesian3.cross(one ?? sum, two ?? sum, new Cartesian3()), sum);
  }
  return Cartesian3.magnitude(sum) / 2;
}

export interface Volume {
  above_m3: number;
  below_m3: number;
  area_m2: number;
  cell_m: number;
  lowest_m: number;
  highest_m: number;
}

/** Ground above and below a level inside a ring: heights of the finest terrain at the middles of equal cells. */
export async function volumeOf(provider: TerrainProvider, points: Cartesian3[], level_m: number | null): Promise<Volume> {
  const ring = points.map((point) => Cartographic.fromCartesian(point));
  const area_m2 = levelArea(points);
  const inside = cellsIn(ring);
  const sampled = await sampleTerrainMostDetailed(provider, inside);
  const heights = sampled.map((one) => one.height).filter((height) => Number.isFinite(height));
  const each_m2 = area_m2 / Math.max(1, heights.length);
  const level = level_m ?? Math.min(...heights);
  return {
    above_m3: heights.reduce((sum, height) => sum + Math.max(0, height - level), 0) * each_m2,
    below_m3: heights.reduce((sum, height) => sum + Math.max(0, level - height), 0) * each_m2,
    area_m2, cell_m: Math.sqrt(each_m2), lowest_m: Math.min(...heights), highest_m: Math.max(...heights),
  };
}

function cellsIn(ring: Cartographic[]): Cartographic[] {
  const [lons, lats] = [ring.map((one) => one.longitude), ring.map((one) => one.latitude)];
  const [west, east, south, north] = [Math.min(...lons), Math.max(...lons), Math.min(...lats), Math.max(...lats)];
  const wide = (east - west) * Math.cos((south + north) / 2);
  const step = Math.sqrt((wide * (north - south)) / MOST_SAMPLES) || 1e-9;
  const [columns, rows] = [Math.max(1, Math.ceil(wide / step)), Math.max(1, Math.ceil((north - south) / step))];
  const found: Cartographic[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const at = new Cartographic(west + ((column + 0.5) / columns) * (east - west), south + ((row + 0.5) / rows) * (north - south));
      if (isInside(ring, at)) found.push(at);
    }
  }
  return found.length ? found : [new Cartographic((west + east) / 2, (south + north) / 2)];
}

function isInside(ring: Cartographic[], { longitude: x, latitude: y }: Cartographic): boolean {
  let inside = false;
  ring.forEach((a, number) => {
    const b = ring[(number + 1) % ring.length] ?? a;
    if (a.latitude > y !== b.latitude > y && x < ((b.longitude - a.longitude) * (y - a.latitude)) / (b.latitude - a.latitude) + a.longitude) inside = !inside;
  });
  return inside;
}
