/** `window.onemapScene`: what tests and embedding pages may rely on (docs/scene-view.md). */

import type { Scene } from "cesium";
import type { BoardId } from "../emergency/board";
import type { Picked, Place } from "./picking";
import type { SceneView } from "./view";

/** What one frame drew, and what failed since the view was opened. */
export interface SceneStatistics {
  drawCalls: number;
  triangles: number;
  tilesLoaded: boolean;
  tilesFailed: number;
  memoryBytes: number;
}
export interface SceneHandle {
  pick(x: number, y: number): Omit<Picked, "feature"> | BoardId | null;
  place(x: number, y: number): Place | null;
  project(lon: number, lat: number, height_m: number): { x: number; y: number } | null;
  lookAt(lon: number, lat: number, range_m: number, heading_deg?: number, pitch_deg?: number, height_m?: number): Promise<void>;
  ready(): boolean;
  readonly incident: { marks: string[]; incidents: string[]; warnings: string[]; areas: number; entities: number };
  readonly statistics: SceneStatistics;
}

export function handleOf(view: SceneView): SceneHandle {
  const { picking, eye, tilesets, widget } = view;
  let awaited = 0;
  return {
    pick: (x, y) => {
      const board = view.incidents?.at(x, y);
      if (board) return board;
      const picked = picking.at(x, y);
      return picked ? (Object.fromEntries(Object.entries(picked).filter(([name]) => name !== "feature")) as Omit<Picked, "feature">) : null;
    },
    place: (x, y) => picking.place(x, y),
    project: (lon, lat, height_m) => picking.project({ lon, lat, height_m }),
    lookAt: async (lon, lat, range_m, heading_deg = 0, pitch_deg = -45, height_m = NaN) => {
      const height = Number.isFinite(height_m) ? height_m : await eye.groundHeight(lon, lat);
      eye.lookFrom({ lon, lat, range_m, heading_deg, pitch_deg }, height);
      awaited = view.frames + FRAMES_TO_ASK;
    },
    ready: () => {
      if (view.frames < awaited) widget.scene.requestRender();
      return view.frames >= awaited && view.loaded;
    },
    get incident() {
      return view.incidents?.told ?? { marks: [], incidents: [], warnings: [], areas: 0, entities: 0 };
    },
    get statistics() {
      const shown = tilesets.all.flatMap((held) => (held.tileset?.show ? [held.tileset] : []));
      return {
        ...countFrame(widget.scene), tilesLoaded: view.loaded, tilesFailed: tilesets.failed,
        memoryBytes: shown.reduce((sum, tileset) => sum + tileset.totalMemoryUsageInBytes, 0),
      };
    },
  };
}

declare global {
  interface Window {
    onemapScene?: SceneHandle;
  }
}

type Draw = (...given: number[]) => void;

/** After so many frames of a new view everything it needs has been asked for. */
const FRAMES_TO_ASK = 3;
const TRIANGLES = 4;
const STRIP = 5;
const FAN = 6;

/** Count what a frame hands to the graphics card: the calls of its WebGL context while it is drawn. */
export function countFrame(scene: Scene): { drawCalls: number; triangles: number } {
  const gl = (scene as unknown as { context: { _gl: Record<string, Draw> } }).context._gl;
  const counted = { drawCalls: 0, triangles: 0 };
  const count = (mode: number, vertices: number, times = 1): void => {
    counted.drawCalls += 1;
    if (mode === TRIANGLES) counted.triangles += (vertices / 3) * times;
    else if (mode === STRIP || mode === FAN) counted.triangles += Math.max(0, vertices - 2) * times;
  };
  const told: Record<string, (...given: number[]) => void> = {
    drawArrays: (mode, _first, vertices) => count(mode ?? 0, vertices ?? 0),
    drawElements: (mode, vertices) => count(mode ?? 0, vertices ?? 0),
    drawArraysInstanced: (mode, _first, vertices, times) => count(mode ?? 0, vertices ?? 0, times),
    drawElementsInstanced: (mode, vertices, _type, _offset, times) => count(mode ?? 0, vertices ?? 0, times),
  };
  const own = Object.keys(told);
  for (const name of own) {
    const draw = gl[name];
    if (draw) gl[name] = (...given) => {
      told[name]?.(...given);
      draw.apply(gl, given);
    };
  }
  try {
    scene.requestRender();
    scene.render();
  } finally {
    for (const name of own) delete gl[name];
  }
  return counted;
}
