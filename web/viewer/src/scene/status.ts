/** The line below the picture: the place under the pointer with its height, and how high the eye is. */

import { type Scene, type ScreenSpaceEventHandler, ScreenSpaceEventType } from "cesium";
import { shown } from "../coordinates";
import type { EyeControl } from "./eye";
import type { Picking } from "./picking";
import { term } from "./words";

/** Returns what takes the listeners away. */
export function statusLine(stage: HTMLElement, handler: ScreenSpaceEventHandler, eye: EyeControl, picking: Picking, scene: Scene): () => void {
  const line = stage.querySelector<HTMLElement>(".status");
  let asked = 0;
  const tell = (x: number, y: number): void => {
    const ground = scene.globe.tilesLoaded ? picking.ground(x, y) : null;
    const place = ground ? `${shown(ground.lon, ground.lat)}   ${term("height")} ${ground.height_m.toFixed(1)} m (${term("ellipsoidal")})   ` : "";
    if (line) line.textContent = `${place}${term("eyeHeight")} ${Math.round(eye.eye.height_m).toLocaleString()} m`;
  };
  handler.setInputAction(({ endPosition }: { endPosition: { x: number; y: number } }) => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => tell(endPosition.x, endPosition.y));
  }, ScreenSpaceEventType.MOUSE_MOVE);
  return scene.camera.moveEnd.addEventListener(() => tell(scene.canvas.clientWidth / 2, scene.canvas.clientHeight / 2));
}
