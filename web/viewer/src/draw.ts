/** Drawing a line or an area on the map: clicks add points; double click or Enter end, Backspace takes one back, Esc cancels. */

import type { GeoJSONSource, LayerSpecification, Map as GlMap, MapMouseEvent } from "maplibre-gl";

export type DrawKind = "area" | "line";
type Point = [number, number];

const SOURCE = "drawing";
const LEAST: Record<DrawKind, number> = { area: 3, line: 2 };
const SAME_PX = 4;
const LAYERS: LayerSpecification[] = [
  {
    id: "drawing-fill", type: "fill", source: SOURCE, filter: ["==", ["geometry-type"], "Polygon"],
    paint: { "fill-color": "#d0480b", "fill-opacity": 0.15 },
  },
  { id: "drawing-line", type: "line", source: SOURCE, paint: { "line-color": "#d0480b", "line-width": 2.5, "line-dasharray": [2, 1] } },
  {
    id: "drawing-point", type: "circle", source: SOURCE, filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-radius": 4, "circle-color": "#fff", "circle-stroke-color": "#d0480b", "circle-stroke-width": 2 },
  },
];

/** One drawing on a map; ``done`` gets what was drawn, or null when it was cancelled, and is called once. */
export class Drawing {
  private points: Point[] = [];
  private over = false;

  constructor(
    private readonly map: GlMap, private readonly kind: DrawKind,
    private readonly done: (drawn: GeoJSON.Polygon | GeoJSON.LineString | null) => void,
  ) {
    showDrawing(map, []);
    map.doubleClickZoom.disable();
    map.getCanvas().style.cursor = "crosshair";
    map.on("click", this.click);
    map.on("dblclick", this.finish);
    map.on("mousemove", this.hover);
    window.addEventListener("keydown", this.key, { capture: true });
  }

  cancel(): void {
    this.end(null);
  }

  private readonly click = (event: MapMouseEvent): void => {
    const last = this.points.at(-1);
    if (last) {
      const held = this.map.project(last);
      if (Math.hypot(held.x - event.point.x, held.y - event.point.y) < SAME_PX) return;
    }
    this.points.push([event.lngLat.lng, event.lngLat.lat]);
    this.show();
  };

  private readonly hover = (event: MapMouseEvent): void => {
    if (this.points.length) this.show([event.lngLat.lng, event.lngLat.lat]);
  };

  private readonly finish = (event?: MapMouseEvent): void => {
    event?.preventDefault();
    if (this.points.length >= LEAST[this.kind]) this.end(this.shape(this.points));
  };

  private readonly key = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    const acts: Record<string, () => void> = {
      Enter: () => this.finish(),
      Escape: () => this.cancel(),
      Backspace: () => {
        this.points.pop();
        this.show();
      },
      " ": () => {
        const { lng, lat } = this.map.getCenter();
        this.points.push([lng, lat]);
        this.show();
      },
    };
    const act = acts[event.key];
    if (!act || (event.target instanceof HTMLButtonElement && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };

  private shape(points: Point[]): GeoJSON.Polygon | GeoJSON.LineString {
    const first = points[0];
    if (this.kind === "line" || !first) return { type: "LineString", coordinates: points };
    return { type: "Polygon", coordinates: [[...points, first]] };
  }

  private show(next?: Point): void {
    const points = next ? [...this.points, next] : this.points;
    const shapes: GeoJSON.Geometry[] = this.points.map((coordinates) => ({ type: "Point", coordinates }));
    if (points.length > 1) shapes.push(points.length > 2 ? this.shape(points) : { type: "LineString", coordinates: points });
    showDrawing(this.map, shapes);
  }

  private end(drawn: GeoJSON.Polygon | GeoJSON.LineString | null): void {
    if (this.over) return;
    this.over = true;
    this.map.off("click", this.click);
    this.map.off("dblclick", this.finish);
    this.map.off("mousemove", this.hover);
    window.removeEventListener("keydown", this.key, { capture: true });
    this.map.getCanvas().style.cursor = "";
    setTimeout(() => this.map.doubleClickZoom.enable(), 300);
    showDrawing(this.map, drawn ? [drawn] : []);
    this.done(drawn);
  }
}

/** Put shapes where drawings are shown; none takes them away. */
export function showDrawing(map: GlMap, shapes: GeoJSON.Geometry[]): void {
  const features = shapes.map((geometry): GeoJSON.Feature => ({ type: "Feature", properties: {}, geometry }));
  const data: GeoJSON.FeatureCollection = { type: "FeatureCollection", features };
  const held = map.getSource(SOURCE) as GeoJSONSource | undefined;
  if (held) {
    held.setData(data);
    return;
  }
  map.addSource(SOURCE, { type: "geojson", data });
  for (const layer of LAYERS) map.addLayer(layer);
}
