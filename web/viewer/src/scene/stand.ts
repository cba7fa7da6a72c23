/** What the emergency panel asks of the 3D view: to look at a place, and to draw on its ground. */

import type { Box, SceneStand } from "../emergency/host";
import type { DrawShape, Underway } from "../emergency/marks/drawing";
import { type Drawn, metresBetween } from "../emergency/marks/shape";
import type { Shape } from "../emergency/symbols";
import type { EyeControl } from "./eye";
import { placeOf } from "./picking";
import type { Sketch } from "./sketch";

const LEAST_RANGE_M = 700;
/** Of the diagonal of what is looked at. */
const RANGE_SHARE = 1.5;
const LEAST: Record<Shape, number> = { point: 1, line: 2, area: 3 };

export class Stand implements SceneStand {
  private underway: Underway | null = null;

  constructor(private readonly eye: EyeControl, private readonly sketch: Sketch) {}

  look([west, south, east, north]: Box): void {
    const across = metresBetween([west, south], [east, north]);
    void this.eye.flyTo((west + east) / 2, (south + north) / 2, Math.max(LEAST_RANGE_M, RANGE_SHARE * across));
  }

  readonly draw: DrawShape = (shape, done, ended) => {
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      this.sketch.clear();
      ended();
    };
    this.sketch.start({
      ...(shape === "point" ? { most: 1 } : {}), least: LEAST[shape], closed: shape === "area", onGround: true, cancelled: end,
      done: (points) => {
        const places = points.map(placeOf).map(({ lon, lat }): GeoJSON.Position => [lon, lat]);
        end();
        done(geometryOf(shape, places));
      },
    });
    this.underway = { cancel: end };
    return this.underway;
  };

  /** End what is being drawn. */
  end(): void {
    this.underway?.cancel();
  }
}

function geometryOf(shape: Shape, places: GeoJSON.Position[]): Drawn {
  const first = places[0] ?? [0, 0];
  if (shape === "point") return { type: "Point", coordinates: first };
  return shape === "line" ? { type: "LineString", coordinates: places } : { type: "Polygon", coordinates: [[...places, [...first]]] };
}
