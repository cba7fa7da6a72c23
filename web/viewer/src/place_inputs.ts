/** What of an analysis's inputs asks for a place: points to draw, or longitude and latitude. */

import type { Inputs, Process } from "./analysis_api";

const DEGREES: Record<string, 0 | 1> = { lon: 0, lat: 1 };

/** The inputs that a place fills in. */
export function placeInputs(process: Process, place: [number, number]): Inputs {
  const found: Inputs = {};
  for (const [name, { schema }] of Object.entries(process.inputs)) {
    if (schema["x-cim-draw"] === "point") found[name] = { type: "Point", coordinates: place };
    else if (name in DEGREES) found[name] = place[DEGREES[name] as 0 | 1];
  }
  return found;
}
