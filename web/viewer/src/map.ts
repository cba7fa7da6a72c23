/** The MapLibre map: layers of the city as sources and style layers, highlight, extrusion when tilted. */

import {
  AttributionControl, type GeoJSONSource, type LayerSpecification, Map as GlMap, type MapLayerMouseEvent, NavigationControl, Popup,
  type RasterSourceSpecification, type RasterTileSource, ScaleControl, setWorkerUrl, type VectorTileSource,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import type { LayerInfo, LayerStyle } from "./api";
import { Terrain } from "./terrain";
import { hereFrom, tileAddress } from "./tile_address";
import { besidePanels, extent, findingText, overlayLayers } from "./overlays";

setWorkerUrl(workerUrl);

const OPACITY: Record<string, string[]> = {
  fill: ["fill-opacity"],
  line: ["line-opacity"],
  circle: ["circle-opacity", "circle-stroke-opacity"],
  symbol: ["text-opacity"],
  raster: ["raster-opacity"],
  "fill-extrusion": ["fill-extrusion-opacity"],
};
const TILTED_DEG = 20;

export class CityMap {
  readonly gl: GlMap;
  readonly terrain: Terrain;
  private readonly popup = new Popup({ maxWidth: "320px" });
  private readonly drawn = new Map<string, { layers: LayerSpecification[]; order: number; visible: boolean }>();

  /** `alone`: the address holds this map's camera. */
  constructor(container: HTMLElement, bbox: [number, number, number, number], alone = true) {
    this.gl = new GlMap({
      container,
      style: {
        version: 8,
        sources: { highlight: { type: "geojson", data: { type: "FeatureCollection", features: [] } } },
        layers: [
          { id: "background", type: "background", paint: { "background-color": "#f3f1ea" } },
          {
            id: "highlight-fill", type: "fill", source: "highlight", filter: ["==", ["geometry-type"], "Polygon"],
            paint: { "fill-color": "#00b7ff", "fill-opacity": 0.25 },
          },
          {
            id: "highlight-line", type: "line", source: "highlight",
            paint: { "line-color": "#0078d4", "line-width": 3 },
          },
          {
            id: "highlight-circle", type: "circle", source: "highlight", filter: ["==", ["geometry-type"], "Point"],
            paint: { "circle-color": "#00b7ff", "circle-radius": 8, "circle-stroke-color": "#fff", "circle-stroke-width": 2 },
          },
        ],
      },
      bounds: bbox,
      fitBoundsOptions: { padding: 30 },
      hash: alone ? "view" : false,
      maxPitch: 70,
      attributionControl: false,
    });
    this.gl.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
    this.gl.addControl(new NavigationControl({ visualizePitch: true }), "bottom-right");
    this.gl.addControl(new AttributionControl({ compact: true }), "bottom-right");
    this.gl.on("pitchend", () => this.showByPitch());
    this.terrain = new Terrain(this.gl);
  }

  get tilted(): boolean {
    return this.gl.getPitch() > TILTED_DEG;
  }

  ready(): Promise<void> {
    return new Promise((resolve) => {
      if (this.gl.isStyleLoaded()) resolve();
      else this.gl.once("load", () => resolve());
    });
  }

  add(layer: LayerInfo, style: LayerStyle, visible: boolean): void {
    this.gl.addSource(layer.id, style.source ? (hereFrom(style.source) as RasterSourceSpecification) : {
      type: "vector",
      tiles: [tileAddress(layer.tiles)],
      minzoom: layer.minzoom,
      maxzoom: layer.maxzoom,
      attribution: layer.attribution,
      ...(layer.bbox ? { bounds: layer.bbox } : {}),
    });
    if (style.terrain) this.terrain.offer(layer.id, style.terrain);
    const layers = style.layers as unknown as LayerSpecification[];
    this.drawn.set(layer.id, { layers, order: layer.order, visible });
    for (const one of layers) this.gl.addLayer(structuredClone(one), this.above(layer.order, one.type));
    this.show(layer.id, visible);
  }

  remove(id: string): void {
    const held = this.drawn.get(id);
    if (!held) return;
    for (const one of held.layers) if (this.gl.getLayer(one.id)) this.gl.removeLayer(one.id);
    this.gl.removeSource(id);
    this.terrain.withdraw(id);
    this.drawn.delete(id);
  }

  /** Ask for the tiles of a layer's newer version; what is drawn stays until they are there. */
  renew(id: string, tiles: string): void {
    const source = this.gl.getSource(id);
    if (source?.type === "vector") (source as VectorTileSource).setTiles([tileAddress(tiles)]);
  }

  /** Show the pictures of a layer in another style: its tiles come from another address, all else stays. */
  restyle(id: string, style: LayerStyle): void {
    const source = this.gl.getSource(id) as RasterTileSource | undefined;
    if (source && style.source) source.setTiles(hereFrom(style.source).tiles);
  }

  show(id: string, visible: boolean): void {
    const held = this.drawn.get(id);
    if (!held) return;
    held.visible = visible;
    for (const one of held.layers) {
      const raised = one.type === "fill-extrusion";
      const on = visible && (!raised || this.tilted);
      this.gl.setLayoutProperty(one.id, "visibility", on ? "visible" : "none");
    }
  }

  fade(id: string, opacity: number): void {
    for (const one of this.drawn.get(id)?.layers ?? []) {
      for (const name of OPACITY[one.type] ?? []) {
        const styled = (one.paint as Record<string, unknown> | undefined)?.[name];
        const value = opacity === 1 ? styled : typeof styled === "number" ? styled * opacity : opacity;
        this.gl.setPaintProperty(one.id, name as "fill-opacity", (value ?? opacity) as number);
      }
    }
  }

  highlight(geometry: GeoJSON.Geometry | null): void {
    const source = this.gl.getSource("highlight") as GeoJSONSource;
    const features: GeoJSON.Feature[] = geometry ? [{ type: "Feature", properties: {}, geometry }] : [];
    source.setData({ type: "FeatureCollection", features });
  }

  /** Draw the outline of an area that is asked for; an empty collection takes it away. */
  sketch(data: GeoJSON.FeatureCollection): void {
    const held = this.gl.getSource("sketch") as GeoJSONSource | undefined;
    if (held) {
      held.setData(data);
      return;
    }
    this.gl.addSource("sketch", { type: "geojson", data });
    this.gl.addLayer({ id: "sketch", type: "line", source: "sketch", paint: { "line-color": "#c2410c", "line-width": 2, "line-dasharray": [3, 2] } });
  }

  /** Draw findings over everything, coloured by their property `kind`; an empty collection takes them away. */
  overlay(name: string, data: GeoJSON.FeatureCollection, padding = besidePanels(this.gl.getContainer().clientWidth)): void {
    const id = `overlay-${name}`;
    const held = this.gl.getSource(id) as GeoJSONSource | undefined;
    if (held) held.setData(data);
    else {
      this.gl.addSource(id, { type: "geojson", data });
      for (const layer of overlayLayers(id)) {
        this.gl.addLayer(layer);
        this.gl.on("click", layer.id, (event) => this.tellFinding(event));
      }
    }
    const bbox = extent(data);
    if (bbox) this.gl.fitBounds(bbox, { padding, maxZoom: 17, duration: 600 });
  }

  private tellFinding(event: MapLayerMouseEvent): void {
    const told = [...new Set((event.features ?? []).map((one) => findingText(one.properties)))];
    const list = document.createElement("ul");
    list.className = "findings";
    for (const text of told.slice(0, 6)) list.append(Object.assign(document.createElement("li"), { textContent: text }));
    this.popup.setLngLat(event.lngLat).setDOMContent(list).addTo(this.gl);
  }

  /** Switch the relief of the ground on or off; a flat view is tilted so that it can be seen. Returns whether it is on. */
  raise(): boolean {
    const on = this.terrain.toggle();
    if (on && !this.tilted) this.tilt();
    return on;
  }

  tilt(): void {
    this.gl.easeTo({ pitch: this.tilted ? 0 : 55, bearing: this.tilted ? 0 : -15, duration: 700 });
  }

  visible(): string[] {
    return [...this.drawn].filter(([, held]) => held.visible).map(([id]) => id);
  }

  private showByPitch(): void {
    for (const [id, held] of this.drawn) this.show(id, held.visible);
  }

  /** Labels stand above everything; otherwise layers follow their order. */
  private above(order: number, type: string): string {
    const stack = this.gl.getStyle().layers;
    const weight = (sourceId: string | undefined, kind: string) =>
      (kind === "symbol" ? 100_000 : 0) + (this.drawn.get(sourceId ?? "")?.order ?? 0);
    const mine = (type === "symbol" ? 100_000 : 0) + order;
    for (const held of stack) {
      const source = "source" in held ? (held.source as string) : undefined;
      if (source === "highlight" || (source && weight(source, held.type) > mine)) return held.id;
    }
    return "highlight-fill";
  }
}
