/** One click on the map that gives a place; Esc gives none. */

import type { Map as GlMap, MapMouseEvent } from "maplibre-gl";

export class PointPick {
  private over = false;

  /** `done` is called once, with null when it was cancelled. */
  constructor(private readonly gl: GlMap, private readonly done: (lon: number, lat: number) => void, private readonly ended: () => void) {
    gl.getCanvas().style.cursor = "crosshair";
    gl.on("click", this.click);
    window.addEventListener("keydown", this.key, { capture: true });
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.gl.off("click", this.click);
    window.removeEventListener("keydown", this.key, { capture: true });
    this.gl.getCanvas().style.cursor = "";
    this.ended();
  }

  private readonly click = (event: MapMouseEvent): void => {
    this.cancel();
    this.done(event.lngLat.lng, event.lngLat.lat);
  };

  private readonly key = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.cancel();
  };
}
