/** The map of a working page: the city below, the red line and the pieces of an answer above, what is drawn by hand on top. */

import { type GeoJSONSource, type LayerSpecification, type MapGeoJSONFeature, Popup } from "maplibre-gl";
import { ask, type Catalog, type LayerStyle } from "./api";
import { button, element, say } from "./dom";
import { CityMap } from "./map";
import { extent, NOTHING } from "./overlays";
import { layerTree } from "./tree";
import { term } from "./work_words";

const COUNTY: [number, number, number, number] = [103.67, 30.9, 104.18, 31.44];
const AREA = ["==", ["geometry-type"], "Polygon"] as unknown as boolean;
const POINT = ["==", ["geometry-type"], "Point"] as unknown as boolean;
const COLOUR = ["coalesce", ["get", "colour"], "#d0021b"] as unknown as string;
const FIT = { padding: 40, maxZoom: 17.5, duration: 500 };

export interface Group {
  id: string;
  title: string;
  colour: string;
}

export class WorkMap {
  private readonly popup = new Popup({ maxWidth: "300px" });
  private readonly styles = new Map<string, LayerStyle>();
  private pieces: GeoJSON.FeatureCollection = NOTHING;
  private readonly legend = element("div", { class: "map-legend", hidden: "" });
  picked: (group: string) => void = () => undefined;
  /** While corners are set by hand, clicks tell nothing. */
  busy = false;

  private constructor(
    readonly city: CityMap, readonly catalog: Catalog,
  ) {}

  /** Null where the browser cannot draw maps. */
  static async open(holder: HTMLElement): Promise<WorkMap | null> {
    if (!document.createElement("canvas").getContext("webgl2")) return null;
    const catalog = await ask<Catalog>("/catalog");
    const box = element("div", { class: "map-canvas", tabindex: "0", "aria-label": term("map") });
    holder.append(box);
    const map = new WorkMap(new CityMap(box, catalog.view.bbox ?? COUNTY), catalog);
    await map.city.ready();
    await map.drawCity(holder);
    map.prepare();
    holder.append(map.legend);
    return map;
  }

  style(layer: string): LayerStyle | undefined {
    return this.styles.get(layer);
  }

  showRedLine(data: GeoJSON.FeatureCollection): void {
    this.source("red-line").setData(data);
    this.fit(data);
  }

  showDrawing(data: GeoJSON.FeatureCollection): void {
    this.source("drawing").setData(data);
  }

  /** Show the pieces of an answer, each with its group's colour, and which colour is which. */
  showPieces(data: GeoJSON.FeatureCollection, groupOf: (one: GeoJSON.Feature) => string, groups: Group[]): void {
    const known = new Map(groups.map((group) => [group.id, group]));
    this.pieces = {
      type: "FeatureCollection",
      features: data.features.map((one) => {
        const group = groupOf(one);
        const { colour, title } = known.get(group) ?? { colour: "#d0021b", title: group };
        return { ...one, properties: { ...one.properties, colour, group, title } };
      }),
    };
    this.source("pieces").setData(this.pieces);
    this.legend.toggleAttribute("hidden", !groups.length);
    const all = button(term("all"), "legend-entry", () => this.zoomTo(null));
    all.dataset["group"] = "";
    this.legend.replaceChildren(element("b", {}, term("pieces")), all, ...groups.map((group) => {
      const entry = button("", "legend-entry", () => this.zoomTo(group.id));
      entry.dataset["group"] = group.id;
      const patch = element("span", { class: "patch" });
      patch.style.background = group.colour;
      entry.append(patch, group.title);
      return entry;
    }));
    this.stress(null);
  }

  /** Go to all pieces. */
  fitPieces(): void {
    this.fit(this.pieces);
  }

  /** Go to the pieces of a group, and let those of the others step back; without one show all alike. */
  zoomTo(group: string | null): void {
    this.stress(group);
    this.see();
    const wanted = this.pieces.features.filter((one) => group === null || one.properties?.["group"] === group);
    this.fit({ type: "FeatureCollection", features: wanted });
  }

  private stress(group: string | null): void {
    const chosen = group ?? "";
    const opacity = (strong: number, faint: number): number =>
      (group === null ? strong : ["case", ["==", ["get", "group"], chosen], strong, faint]) as unknown as number;
    this.city.gl.setPaintProperty("pieces-fill", "fill-opacity", opacity(0.4, 0.06));
    this.city.gl.setPaintProperty("pieces-line", "line-opacity", opacity(1, 0.25));
    this.city.gl.setPaintProperty("pieces-circle", "circle-opacity", opacity(1, 0.3));
    for (const entry of this.legend.querySelectorAll<HTMLElement>("button")) entry.setAttribute("aria-pressed", String(entry.dataset["group"] === chosen));
  }

  /** Bring the map into view where the page is too narrow to have it beside. */
  see(): void {
    this.city.gl.getContainer().scrollIntoView({ block: "nearest" });
  }

  /** A picture of what the map shows now, for the printer. */
  picture(): Promise<string> {
    return new Promise((resolve) => {
      this.city.gl.once("render", () => resolve(this.city.gl.getCanvas().toDataURL("image/png")));
      this.city.gl.triggerRepaint();
    });
  }

  private fit(data: GeoJSON.FeatureCollection): void {
    const box = extent(data);
    if (box) this.city.gl.fitBounds(box, FIT);
  }

  private source(name: string): GeoJSONSource {
    return this.city.gl.getSource(name) as GeoJSONSource;
  }

  private async drawCity(holder: HTMLElement): Promise<void> {
    const layers = this.catalog.layers.filter((one) => one.geometry !== "none").sort((a, b) => a.order - b.order);
    const shown = new Map<string, boolean>();
    const styles = await Promise.allSettled(layers.map((layer) => ask<LayerStyle>(layer.style)));
    layers.forEach((layer, place) => {
      const style = styles[place];
      if (style?.status !== "fulfilled") return;
      this.styles.set(layer.id, style.value);
      shown.set(layer.id, layer.default_visible);
      this.city.add(layer, style.value, layer.default_visible);
    });
    holder.append(element(
      "details", { class: "below" }, element("summary", {}, term("layersHere")),
      layerTree(this.catalog, this.styles, shown, {
        show: (id, on) => this.city.show(id, on),
        fade: (id, opacity) => this.city.fade(id, opacity),
        restyle: (id, name) => void this.restyle(id, name),
      }),
    ));
  }

  private async restyle(id: string, name: string): Promise<void> {
    const layer = this.catalog.layers.find((one) => one.id === id);
    if (!layer) return;
    try {
      this.city.restyle(id, await ask<LayerStyle>(`${layer.style}?style=${encodeURIComponent(name)}`));
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), "error");
    }
  }

  private prepare(): void {
    const gl = this.city.gl;
    for (const name of ["pieces", "red-line", "drawing"]) gl.addSource(name, { type: "geojson", data: NOTHING });
    for (const layer of [...pieceLayers(), ...redLineLayers(), ...drawingLayers()]) gl.addLayer(layer);
    gl.on("click", (event) => {
      if (this.busy) return;
      const hit = gl.queryRenderedFeatures(event.point, { layers: ["pieces-fill", "pieces-circle", "pieces-line"] });
      const first = hit[0];
      if (!first) return;
      this.popup.setLngLat(event.lngLat).setDOMContent(pieceFacts(hit)).addTo(gl);
      this.picked(String(first.properties["group"] ?? ""));
    });
    gl.on("error", (event) => {
      const reason = event.error?.message ?? "";
      if (!/abort/i.test(reason)) console.warn(reason);
    });
  }
}

const HIDDEN = new Set(["colour", "group", "title", "kind", "rule", "verdict"]);

function pieceFacts(hit: MapGeoJSONFeature[]): HTMLElement {
  const seen = new Map(hit.map((one) => [JSON.stringify(one.properties), one.properties as Record<string, unknown>]));
  return element("ul", { class: "findings" }, ...[...seen.values()].slice(0, 6).map((one) => {
    const facts = Object.entries(one).filter(([name, value]) => !HIDDEN.has(name) && value !== "" && value !== null);
    const told = facts.map(([name, value]) => (name === "area_m2" ? `${Number(value).toFixed(2)} m²` : `${name} ${String(value)}`));
    return element("li", {}, [String(one["title"] ?? ""), ...told].filter(Boolean).join(" · "));
  }));
}

function pieceLayers(): LayerSpecification[] {
  return [
    { id: "pieces-fill", type: "fill", source: "pieces", filter: AREA, paint: { "fill-color": COLOUR, "fill-opacity": 0.4 } },
    { id: "pieces-line", type: "line", source: "pieces", paint: { "line-color": COLOUR, "line-width": 1.5 } },
    {
      id: "pieces-circle", type: "circle", source: "pieces", filter: POINT,
      paint: { "circle-radius": 7, "circle-color": COLOUR, "circle-stroke-color": "#fff", "circle-stroke-width": 2 },
    },
  ];
}

function redLineLayers(): LayerSpecification[] {
  return [
    { id: "red-line-halo", type: "line", source: "red-line", paint: { "line-color": "#fff", "line-width": 6, "line-opacity": 0.8 } },
    { id: "red-line-line", type: "line", source: "red-line", paint: { "line-color": "#e60012", "line-width": 3 } },
  ];
}

function drawingLayers(): LayerSpecification[] {
  return [
    { id: "drawing-fill", type: "fill", source: "drawing", filter: AREA, paint: { "fill-color": "#e60012", "fill-opacity": 0.05 } },
    { id: "drawing-line", type: "line", source: "drawing", paint: { "line-color": "#e60012", "line-width": 2, "line-dasharray": [3, 2] } },
    {
      id: "drawing-circle", type: "circle", source: "drawing", filter: POINT,
      paint: { "circle-radius": 5, "circle-color": "#fff", "circle-stroke-color": "#e60012", "circle-stroke-width": 2 },
    },
  ];
}
