/** What the page gives to the emergency panel. */

import type { Session } from "../api";
import type { CityMap } from "../map";
import type { Board } from "./board";
import type { DrawShape } from "./marks/drawing";

/** West, south, east, north. */
export type Box = [number, number, number, number];

/** What the panel asks of the 3D view. */
export interface SceneStand {
  look(box: Box): void;
  draw: DrawShape;
}

export interface EmergencyHost {
  stage: HTMLElement;
  session: Session;
  map: CityMap;
  /** What the panel has on the map, which the 3D view draws too. */
  board: Board;
  /** The 3D view, while it is open. */
  scene(): SceneStand | null;
  /** Told when the panel opens: what stands in its place goes. */
  opened(): void;
  failed(error: unknown): void;
}
