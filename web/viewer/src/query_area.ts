/** Drawing a polygon on the map by clicks: a double click, Enter or a click on the first corner closes it. */

import type { MapMouseEvent } from "maplibre-gl";
import type { CityMap } from "./map";
import type { Area } from "./query_model";

type Corner = [number, number];
const NEAR_PX = 10;

export class AreaDrawing {
  private corners: Corner[] | null = null;

  constructor(private readonly map: CityMap, private readonly done: (ring: Corner[] | null) => void) {
    map.gl.on("click", (event) => this.click(event));
    map.gl.on("mousemove", (event) => {
      if (this.corners?.length) this.show([...this.corners, [event.lngLat.lng, event.lngLat.lat]]);
    });
    map.gl.on("dblclick", (event) => {
      if (!this.corners) return;
      event.preventDefault();
      this.close();
    });
    document.addEventListener("keydown", (event) => {
      if (!this.corners) return;
      if (event.key === "Enter") this.close();
      else if (event.key === "Escape") this.end(null);
    });
  }

  get active(): boolean {
    return this.corners !== null;
  }

  begin(): void {
    this.corners = [];
    this.map.gl.getCanvas().style.cursor = "crosshair";
  }

  /** Show the area of a query, or none. */
  draw(area: Area | null): void {
    if (!area) this.show([]);
    else if ("ring" in area) this.show(area.ring);
    else {
      const [west, south, east, north] = area.box;
      this.show([[west, south], [east, south], [east, north], [west, north]]);
    }
  }

  stop(): void {
    if (this.corners) this.end(null);
  }

  private click(event: MapMouseEvent): void {
    if (!this.corners) return;
    const first = this.corners[0];
    if (first && this.corners.length > 2) {
      const at = this.map.gl.project(first);
      if (Math.hypot(at.x - event.point.x, at.y - event.point.y) < NEAR_PX) {
        this.close();
        return;
      }
    }
    const last = this.corners.at(-1);
    if (last?.[0] !== event.lngLat.lng || last[1] !== event.lngLat.lat) this.corners.push([event.lngLat.lng, event.lngLat.lat]);
    this.show(this.corners);
  }

  private close(): void {
    this.end(this.corners && this.corners.length > 2 ? this.corners : null);
  }

  private end(ring: Corner[] | null): void {
    this.corners = null;
    this.map.gl.getCanvas().style.cursor = "";
    this.done(ring);
  }

  private show(corners: Corner[]): void {
    const first = corners[0];
    const features: GeoJSON.Feature[] = first
      ? [{ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: [...corners, first] } }]
      : [];
    this.map.sketch({ type: "FeatureCollection", features });
  }
}
