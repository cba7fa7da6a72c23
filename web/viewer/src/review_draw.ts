/** Drawing parcels by hand on the map of a working page: corner by corner, closed by double-click or by a button. */

import type { MapMouseEvent } from "maplibre-gl";
import { NOTHING } from "./overlays";
import type { WorkMap } from "./work_map";

type Corner = [number, number];
const LEAST_CORNERS = 3;

export class ParcelDrawing {
  private corners: Corner[] = [];
  private parcels: Corner[][] = [];
  private pointer: Corner | null = null;
  private stop: () => void = () => undefined;

  constructor(
    private readonly map: WorkMap,
    private readonly changed: (corners: number, parcels: number) => void,
    private readonly finished: (drawn: GeoJSON.FeatureCollection) => void,
  ) {}

  begin(): void {
    this.stop();
    const gl = this.map.city.gl;
    const click = (event: MapMouseEvent): void => this.add([event.lngLat.lng, event.lngLat.lat]);
    const move = (event: MapMouseEvent): void => {
      this.pointer = [event.lngLat.lng, event.lngLat.lat];
      this.show();
    };
    const twice = (event: MapMouseEvent): void => {
      event.preventDefault();
      this.finish();
    };
    const key = (event: KeyboardEvent): void => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
      if (event.key === "Backspace") this.back();
      if (event.key === "Enter") this.finish();
      if (event.key === "Escape") this.cancel();
    };
    gl.on("click", click);
    gl.on("mousemove", move);
    gl.on("dblclick", twice);
    document.addEventListener("keydown", key);
    gl.getCanvas().style.cursor = "crosshair";
    this.map.busy = true;
    this.map.see();
    this.stop = () => {
      gl.off("click", click);
      gl.off("mousemove", move);
      gl.off("dblclick", twice);
      document.removeEventListener("keydown", key);
      gl.getCanvas().style.cursor = "";
      this.map.busy = false;
      this.stop = () => undefined;
    };
    this.tell();
  }

  back(): void {
    this.corners.pop();
    this.tell();
  }

  /** Close the parcel under way and hand over all that are drawn. */
  finish(): void {
    if (this.corners.length < LEAST_CORNERS) return;
    this.parcels.push(this.corners);
    this.corners = [];
    this.stop();
    this.tell();
    this.finished(collection(this.parcels));
  }

  cancel(): void {
    this.corners = [];
    this.stop();
    this.tell();
  }

  clear(): void {
    this.parcels = [];
    this.cancel();
    this.map.showDrawing(NOTHING);
  }

  /** The second click of a double-click sets no corner of its own. */
  private add(corner: Corner): void {
    const last = this.corners.at(-1);
    if (last) {
      const [a, b] = [this.map.city.gl.project(last), this.map.city.gl.project(corner)];
      if (Math.hypot(a.x - b.x, a.y - b.y) < 4) return;
    }
    this.corners.push(corner);
    this.tell();
  }

  private tell(): void {
    this.changed(this.corners.length, this.parcels.length);
    this.show();
  }

  private show(): void {
    const line = this.pointer && this.corners.length ? [...this.corners, this.pointer] : this.corners;
    const features: GeoJSON.Feature[] = [
      ...collection(this.parcels).features,
      ...this.corners.map((at): GeoJSON.Feature => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: at } })),
    ];
    if (line.length > 1) features.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: line } });
    this.map.showDrawing({ type: "FeatureCollection", features });
  }
}

function collection(parcels: Corner[][]): GeoJSON.FeatureCollection {
  return {
    type: "FeatureCollection",
    features: parcels.map((corners, place) => ({
      type: "Feature", properties: { parcel_no: String(place + 1) },
      geometry: { type: "Polygon", coordinates: [[...corners, corners[0] as Corner]] },
    })),
  };
}
