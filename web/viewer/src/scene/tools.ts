/** The tools of the 3D view, in the order a planner meets them. */

import { Cartesian3 } from "cesium";
import { button, element } from "../dom";
import { readScene, writeQuality } from "./address";
import { BookmarkTool } from "./bookmark_tool";
import { ColourTool } from "./colour_tool";
import { FlightTool } from "./flight_tool";
import type { SceneHost } from "./host";
import { MeasureTool } from "./measure_tool";
import { ToolBar } from "./panel";
import { SectionTool } from "./section_tool";
import { snapshot } from "./snapshot";
import { StateTool } from "./state_tool";
import { StoreyTool } from "./storey_tool";
import { SunTool } from "./sun_tool";
import { UndergroundTool } from "./underground_tool";
import type { SceneView } from "./view";
import { term } from "./words";

const NEARER = 0.6;

/** The bar, its card and the compass, put into the box of the view. */
export function toolBar(view: SceneView, host: SceneHost, box: HTMLElement): ToolBar {
  const { widget, eye, tilesets, sketch, sections, ground, sun, states } = view;
  const middle = (): Cartesian3 => eye.middle();
  const tools = new ToolBar([
    new ColourTool(host, tilesets),
    new StoreyTool(tilesets, (held) => Cartesian3.distance(held.tileset?.boundingSphere.center ?? Cartesian3.ZERO, widget.camera.positionWC)),
    new SectionTool(sections, tilesets, sketch, middle),
    new UndergroundTool(host, ground, tilesets),
    new MeasureTool(widget.scene, sketch),
    new SunTool(sun, middle),
    new StateTool(host, tilesets, states),
    new FlightTool(widget.scene, sketch),
    new BookmarkTool(eye),
  ]);
  tools.act("snapshot", () => {
    const { lon, lat } = eye.look();
    snapshot(widget.scene, `E ${lon.toFixed(5)}° N ${lat.toFixed(5)}°`);
  });
  tools.act("quality", () => {
    writeQuality(!readScene().plain);
    location.reload();
  }, readScene().plain ? "◐" : "●").setAttribute("aria-pressed", String(readScene().plain));
  box.append(tools.bar, tools.card, compass(view));
  return tools;
}

function compass({ eye }: SceneView): HTMLElement {
  const named = (label: string, name: "north" | "nearer" | "farther", act: () => void): HTMLButtonElement => {
    const made = button(label, "quiet", act);
    made.title = term(name);
    made.setAttribute("aria-label", term(name));
    return made;
  };
  return element("div", { class: "scene-compass" }, named("＋", "nearer", () => eye.zoom(NEARER)), named("－", "farther", () => eye.zoom(1 / NEARER)), named("▲", "north", () => eye.north()));
}
