/** Drawing a point, line or area, in the view that is open. */

import type { Map as GlMap } from "maplibre-gl";
import { Drawing, showDrawing } from "../../draw";
import type { EmergencyHost } from "../host";
import { PointPick } from "../pick_point";
import type { Shape } from "../symbols";
import type { Drawn } from "./shape";

/** Something that is being drawn. */
export interface Underway {
  cancel(): void;
}
export type DrawShape = (shape: Shape, done: (drawn: Drawn) => void, ended: () => void) => Underway;

/** Begin to draw in the view that is open; `ended` is told once, drawn or cancelled, and `done` gets what was drawn. */
export function drawIn(host: EmergencyHost): DrawShape {
  return (...given) => (host.scene()?.draw ?? drawOnMap(host.map.gl))(...given);
}

function drawOnMap(gl: GlMap): DrawShape {
  return (shape, done, ended) => {
    gl.getContainer().querySelector("canvas")?.focus();
    if (shape === "point") return new PointPick(gl, (lon, lat) => done({ type: "Point", coordinates: [lon, lat] }), ended);
    return new Drawing(gl, shape, (drawn) => {
      ended();
      showDrawing(gl, []);
      if (drawn) done(drawn);
    });
  };
}
