/** The relief of the ground: heights of a layer lift the map, with light on it and sky behind. */

import type { Map as GlMap } from "maplibre-gl";
import type { RasterSource } from "./api";
import { hereFrom } from "./tile_address";

const SOURCE = "terrain";
const EXAGGERATION = 1.3;

export class Terrain {
  private readonly offered = new Map<string, RasterSource>();
  private used: string | null = null;

  constructor(private readonly gl: GlMap) {}

  get possible(): boolean {
    return this.offered.size > 0;
  }

  get on(): boolean {
    return this.used !== null;
  }

  /** The layer whose heights lift the map. */
  get layers(): string[] {
    return this.used === null ? [] : [this.used];
  }

  /** Take a layer's heights into account; the first that was offered is used. */
  offer(layer: string, source: RasterSource): void {
    this.offered.set(layer, source);
  }

  withdraw(layer: string): void {
    this.offered.delete(layer);
    if (this.used === layer) this.lower();
  }

  toggle(): boolean {
    if (this.on) this.lower();
    else this.lift();
    return this.on;
  }

  private lift(): void {
    const [first] = this.offered;
    if (!first) return;
    const [layer, source] = first;
    this.gl.addSource(SOURCE, { ...hereFrom(source), type: "raster-dem", encoding: "mapbox" });
    this.gl.setTerrain({ source: SOURCE, exaggeration: EXAGGERATION });
    this.gl.setSky({ "sky-color": "#a9cdee", "horizon-color": "#e8f0f6", "fog-color": "#eef2f5", "sky-horizon-blend": 0.6 });
    this.used = layer;
  }

  private lower(): void {
    this.gl.setTerrain(null);
    this.gl.removeSource(SOURCE);
    this.used = null;
  }
}
