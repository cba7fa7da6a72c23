/** To a storey of a model from elsewhere on the page: the model in the middle, cut open above the storey. */

import { HeadingPitchRange, Math as CesiumMath, type Camera } from "cesium";
import { say } from "../dom";
import type { ToolBar } from "./panel";
import { StoreyTool } from "./storey_tool";
import type { Tilesets } from "./tilesets";
import { term } from "./words";

const TILT_DEG = -40;
const FLIGHT_S = 1.2;

export async function openStorey(tilesets: Tilesets, tools: ToolBar, camera: Camera, model: string, storey: string | null): Promise<void> {
  await tilesets.show(model, true);
  const held = tilesets.get(model), tool = tools.named("storeys");
  if (!held?.tileset || !(tool instanceof StoreyTool)) {
    say(term("noModelShown"));
    return;
  }
  if (storey) await tool.cutAbove(held, storey);
  tools.use(tool);
  const offset = new HeadingPitchRange(camera.heading, CesiumMath.toRadians(TILT_DEG), held.tileset.boundingSphere.radius * 2.4);
  camera.flyToBoundingSphere(held.tileset.boundingSphere, { offset, duration: FLIGHT_S });
}
