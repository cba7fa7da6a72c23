/** Handles of a mark on the flat map: corners to drag, middles to add one, and one that moves all of it. */

import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as GlMap, MapMouseEvent, MapTouchEvent } from "maplibre-gl";
import { NOTHING } from "../../overlays";
import { type Corner, cornersOf, middleOf, middlesOf, moved, withCorner, withExtra, without } from "./shape";

const SOURCE = "mark-handles";
const COLOUR = "#d0480b";
const ALONE_PX = 18;
const WHOLE_PX = 12;
/** Beyond the size of a handle, for a hand that is not steady. */
const REACH_PX = 10;

type Kind = "corner" | "middle" | "whole";
interface Grip extends Corner {
  kind: Kind;
}
type Pressed = MapMouseEvent | MapTouchEvent;

function layers(): LayerSpecification[] {
  const of = (...kinds: string[]): ExpressionSpecification => ["in", ["get", "kind"], ["literal", kinds]];
  return [
    { id: `${SOURCE}-other`, type: "line", source: SOURCE, filter: of("other"), paint: { "line-color": "#34465a", "line-width": 2.5, "line-dasharray": [1.5, 1.5] } },
    { id: `${SOURCE}-other-point`, type: "circle", source: SOURCE, filter: ["all", of("other"), ["==", ["geometry-type"], "Point"]], paint: { "circle-radius": 12, "circle-color": "#34465a", "circle-opacity": 0.45, "circle-stroke-color": "#34465a", "circle-stroke-width": 2 } },
    { id: `${SOURCE}-middle`, type: "circle", source: SOURCE, filter: of("middle"), paint: { "circle-radius": 4.5, "circle-color": "#ffffff", "circle-stroke-color": COLOUR, "circle-stroke-width": 1.5, "circle-opacity": 0.85 } },
    {
      id: `${SOURCE}-corner`, type: "circle", source: SOURCE, filter: of("corner"),
      paint: {
        "circle-radius": ["case", ["get", "alone"], ALONE_PX, 6.5], "circle-color": COLOUR, "circle-opacity": ["case", ["get", "alone"], 0, 1],
        "circle-stroke-color": ["case", ["get", "alone"], COLOUR, ["get", "held"], "#ffd23f", "#ffffff"], "circle-stroke-width": ["case", ["get", "held"], 3, 2],
      },
    },
    { id: `${SOURCE}-whole`, type: "circle", source: SOURCE, filter: of("whole"), paint: { "circle-radius": 11, "circle-color": COLOUR, "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 } },
    { id: `${SOURCE}-sign`, type: "symbol", source: SOURCE, filter: of("whole"), layout: { "text-field": "移", "text-size": 13, "text-allow-overlap": true, "text-ignore-placement": true }, paint: { "text-color": "#ffffff" } },
  ];
}

export class Handles {
  private geometry: GeoJSON.Geometry | null = null;
  private other: GeoJSON.Geometry | null = null;
  private grip: Grip | null = null;
  /** The corner that was dragged last, which Delete takes out. */
  private held: Corner | null = null;
  private from: [number, number] = [0, 0];
  private start: GeoJSON.Geometry | null = null;

  constructor(private readonly gl: GlMap, private readonly changed: (geometry: GeoJSON.Geometry) => void) {
    if (!gl.getSource(SOURCE)) gl.addSource(SOURCE, { type: "geojson", data: NOTHING });
    for (const layer of layers()) if (!gl.getLayer(layer.id)) gl.addLayer(layer);
    gl.on("mousedown", this.press);
    gl.on("touchstart", this.press);
    gl.on("mousemove", this.move);
    gl.on("touchmove", this.move);
    gl.on("contextmenu", this.takeOut);
    window.addEventListener("mouseup", this.release);
    window.addEventListener("touchend", this.release);
    window.addEventListener("keydown", this.key, { capture: true });
  }

  /** Show handles of a geometry, and another one beside it for comparison; null shows none. */
  show(geometry: GeoJSON.Geometry | null, other: GeoJSON.Geometry | null = null): void {
    this.geometry = geometry;
    this.other = other;
    this.draw();
  }

  /** Whether a point of the map is on one of them. */
  covers(x: number, y: number): boolean {
    return this.at({ point: { x, y } }) !== null;
  }

  end(): void {
    this.release();
    this.show(null);
    this.gl.off("mousedown", this.press);
    this.gl.off("touchstart", this.press);
    this.gl.off("mousemove", this.move);
    this.gl.off("touchmove", this.move);
    this.gl.off("contextmenu", this.takeOut);
    window.removeEventListener("mouseup", this.release);
    window.removeEventListener("touchend", this.release);
    window.removeEventListener("keydown", this.key, { capture: true });
    this.gl.getCanvas().style.cursor = "";
  }

  private draw(): void {
    const features = this.geometry ? this.grips(this.geometry) : [];
    if (this.other) features.unshift({ type: "Feature", properties: { kind: "other" }, geometry: this.other });
    (this.gl.getSource(SOURCE) as GeoJSONSource).setData({ type: "FeatureCollection", features });
  }

  private grips(geometry: GeoJSON.Geometry): GeoJSON.Feature[] {
    const corners = cornersOf(geometry);
    const alone = corners.length === 1;
    const made = (kind: Kind, { run, at, place }: Corner & { place: GeoJSON.Position }): GeoJSON.Feature => {
      const held = kind === "corner" && this.held?.run === run && this.held.at === at;
      return { type: "Feature", properties: { kind, run, at, alone, held }, geometry: { type: "Point", coordinates: place } };
    };
    return [
      ...middlesOf(geometry).map((one) => made("middle", one)), ...corners.map((one) => made("corner", one)),
      ...(alone ? [] : [made("whole", { run: 0, at: 0, place: middleOf(geometry) })]),
    ];
  }

  /** The nearest of them at a point; a corner goes before the handle of the whole, and that before a middle. */
  private at({ point }: { point: { x: number; y: number } }): Grip | null {
    const { geometry } = this;
    if (!geometry) return null;
    const corners = cornersOf(geometry);
    const alone = corners.length === 1;
    const near = (kind: Kind, grips: (Corner & { place: GeoJSON.Position })[], reach: number): Grip | null => {
      const away = grips.map(({ run, at, place: [lon = 0, lat = 0] }) => {
        const { x, y } = this.gl.project([lon, lat]);
        return { kind, run, at, px: Math.hypot(x - point.x, y - point.y) };
      });
      return away.filter(({ px }) => px <= reach).sort((a, b) => a.px - b.px)[0] ?? null;
    };
    return near("corner", corners, alone ? ALONE_PX : REACH_PX)
      ?? (alone ? null : near("whole", [{ run: 0, at: 0, place: middleOf(geometry) }], WHOLE_PX)) ?? near("middle", middlesOf(geometry), REACH_PX);
  }

  private readonly press = (event: Pressed): void => {
    const grip = this.at(event);
    if (!grip || !this.geometry || (event.originalEvent instanceof MouseEvent && event.originalEvent.button !== 0)) return;
    event.preventDefault();
    this.grip = grip;
    this.from = [event.lngLat.lng, event.lngLat.lat];
    this.start = grip.kind === "middle" ? withExtra(this.geometry, grip, this.from) : this.geometry;
    this.held = grip.kind === "whole" ? null : { run: grip.run, at: grip.at };
  };

  private readonly move = (event: Pressed): void => {
    const { grip, start, from } = this;
    if (!grip || !start) {
      if (this.geometry) this.gl.getCanvas().style.cursor = this.at(event) ? "move" : "";
      return;
    }
    const { lng, lat } = event.lngLat;
    this.take(grip.kind === "whole" ? moved(start, lng - from[0], lat - from[1]) : withCorner(start, grip, [lng, lat]));
  };

  private readonly release = (): void => {
    if (!this.grip) return;
    this.grip = this.start = null;
    this.draw();
  };

  private readonly takeOut = (event: Pressed): void => {
    const grip = this.at(event);
    if (!grip || grip.kind !== "corner") return;
    event.preventDefault();
    this.drop(grip);
  };

  private readonly key = (event: KeyboardEvent): void => {
    const writing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLSelectElement;
    if (writing || !this.held || !this.geometry || !["Delete", "Backspace"].includes(event.key)) return;
    event.preventDefault();
    this.drop(this.held);
  };

  private drop(corner: Corner): void {
    this.held = null;
    if (this.geometry) this.take(without(this.geometry, corner));
  }

  private take(geometry: GeoJSON.Geometry): void {
    this.geometry = geometry;
    this.draw();
    this.changed(geometry);
  }
}
