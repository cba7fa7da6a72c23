/** The geometry of a mark changed by hand: a point of it moved, put in or taken out, or all of it moved. */

type Position = GeoJSON.Position;
/** Points that are joined; where it is closed the last is the first again. */
interface Run {
  points: Position[];
  closed: boolean;
}
/** A point of a geometry: the number of its run, and its place in it. */
export interface Corner {
  run: number;
  at: number;
}
export type Drawn = GeoJSON.Point | GeoJSON.LineString | GeoJSON.Polygon;

const EARTH_M = 6_371_008.8;
const RADIAN = Math.PI / 180;

/** The runs of a geometry; their points are its own. */
function runsOf(geometry: GeoJSON.Geometry): Run[] {
  const open = (points: Position[]): Run => ({ points, closed: false });
  const closed = (points: Position[]): Run => ({ points, closed: true });
  switch (geometry.type) {
    case "Point":
      return [open([geometry.coordinates])];
    case "MultiPoint":
      return geometry.coordinates.map((one) => open([one]));
    case "LineString":
      return [open(geometry.coordinates)];
    case "MultiLineString":
      return geometry.coordinates.map(open);
    case "Polygon":
      return geometry.coordinates.map(closed);
    case "MultiPolygon":
      return geometry.coordinates.flat().map(closed);
    case "GeometryCollection":
      return geometry.geometries.flatMap(runsOf);
  }
}

/** The points that can be moved. */
export function cornersOf(geometry: GeoJSON.Geometry): (Corner & { place: Position })[] {
  return runsOf(geometry).flatMap(({ points, closed }, run) => (closed ? points.slice(0, -1) : points).map((place, at) => ({ run, at, place })));
}

/** The middles of the sides, each with the corner that a point put in there would be. */
export function middlesOf(geometry: GeoJSON.Geometry): (Corner & { place: Position })[] {
  return runsOf(geometry).flatMap(({ points }, run) => points.slice(1).map((next, before) => ({ run, at: before + 1, place: between(points[before] ?? next, next) })));
}

export function withCorner(geometry: GeoJSON.Geometry, { run, at }: Corner, place: Position): GeoJSON.Geometry {
  return changed(geometry, run, ({ points, closed }) => {
    put(points[at], place);
    if (closed && at === 0) put(points.at(-1), place);
  });
}

export function withExtra(geometry: GeoJSON.Geometry, { run, at }: Corner, place: Position): GeoJSON.Geometry {
  return changed(geometry, run, ({ points }) => points.splice(at, 0, [...place]));
}

/** Without a corner; as it was where too few would be left. */
export function without(geometry: GeoJSON.Geometry, { run, at }: Corner): GeoJSON.Geometry {
  return changed(geometry, run, ({ points, closed }) => {
    if (points.length <= (closed ? 4 : 2)) return;
    points.splice(at, 1);
    if (closed && at === 0) put(points.at(-1), points[0] ?? []);
  });
}

/** All of it moved by degrees to the east and the north. */
export function moved(geometry: GeoJSON.Geometry, east: number, north: number): GeoJSON.Geometry {
  const made = copy(geometry);
  for (const { points } of runsOf(made)) for (const point of points) put(point, [(point[0] ?? 0) + east, (point[1] ?? 0) + north]);
  return made;
}

/** The middle of what it covers. */
export function middleOf(geometry: GeoJSON.Geometry): Position {
  const places = runsOf(geometry).flatMap(({ points }) => points);
  const [lon, lat] = [0, 1].map((axis) => places.map((one) => one[axis] ?? 0)) as [number[], number[]];
  return between([Math.min(...lon), Math.min(...lat)], [Math.max(...lon), Math.max(...lat)]);
}

/** The middle of a line, on it. */
export function lineMiddle(points: Position[]): Position {
  const lengths = points.slice(1).map((next, before) => metresBetween(points[before] ?? next, next));
  let left = lengths.reduce((sum, one) => sum + one, 0) / 2;
  for (const [at, length] of lengths.entries()) {
    const [from = [0, 0], to = [0, 0]] = points.slice(at, at + 2);
    if (left <= length && length > 0) return [0, 1].map((axis) => (from[axis] ?? 0) + ((to[axis] ?? 0) - (from[axis] ?? 0)) * (left / length));
    left -= length;
  }
  return points[0] ?? [0, 0];
}

/** How far two places are from each other, in metres. */
export function metresBetween([lon = 0, lat = 0]: Position, [east = 0, north = 0]: Position): number {
  return EARTH_M * RADIAN * Math.hypot((east - lon) * Math.cos(((lat + north) / 2) * RADIAN), north - lat);
}

function changed(geometry: GeoJSON.Geometry, run: number, change: (run: Run) => unknown): GeoJSON.Geometry {
  const made = copy(geometry);
  const found = runsOf(made)[run];
  if (found) change(found);
  return made;
}

/** A copy in which no two points are one object. */
function copy(geometry: GeoJSON.Geometry): GeoJSON.Geometry {
  return JSON.parse(JSON.stringify(geometry)) as GeoJSON.Geometry;
}

function put(point: Position | undefined, [lon = 0, lat = 0]: Position): void {
  if (point) [point[0], point[1]] = [lon, lat];
}

function between([lon = 0, lat = 0]: Position, [east = 0, north = 0]: Position): Position {
  return [(lon + east) / 2, (lat + north) / 2];
}
