/** Layers of the flat map laid on the ground: pictures of its styles, and its images. */

import { ImageryLayer, type ImageryLayerCollection, Rectangle, type Scene, UrlTemplateImageryProvider } from "cesium";
import type { LayerInfo, LayerStyle } from "../api";
import { hereFrom } from "../tile_address";

const HIGHEST_ZOOM = 19;
const SWAPPED_MS = 4_000;

interface Held {
  layer: LayerInfo;
  style: LayerStyle;
  drawn: ImageryLayer | null;
  visible: boolean;
  opacity: number;
}

export class Pictures {
  private readonly held = new Map<string, Held>();
  private readonly drawn: ImageryLayerCollection;

  constructor(private readonly scene: Scene) {
    this.drawn = scene.imageryLayers;
  }

  offer(layer: LayerInfo, style: LayerStyle, visible: boolean): void {
    this.withdraw(layer.id);
    this.held.set(layer.id, { layer, style, drawn: null, visible: false, opacity: 1 });
    this.show(layer.id, visible);
  }

  withdraw(id: string): void {
    const held = this.held.get(id);
    if (held?.drawn) this.drawn.remove(held.drawn);
    this.held.delete(id);
  }

  show(id: string, visible: boolean): void {
    const held = this.held.get(id);
    if (!held) return;
    held.visible = visible;
    if (visible && !held.drawn) this.draw(held);
    if (held.drawn) held.drawn.show = visible;
    this.scene.requestRender();
  }

  fade(id: string, opacity: number): void {
    const held = this.held.get(id);
    if (!held) return;
    held.opacity = opacity;
    if (held.drawn) held.drawn.alpha = opacity;
    this.scene.requestRender();
  }

  /** Draw a layer's newer version, or another style; the old pictures stay until new ones had time to come. */
  renew(layer: LayerInfo, style: LayerStyle): void {
    const held = this.held.get(layer.id);
    if (!held) return;
    const { drawn: old, visible } = held;
    Object.assign(held, { layer, style, drawn: null });
    if (!old) return;
    if (visible) this.draw(held);
    setTimeout(() => {
      this.drawn.remove(old);
      this.scene.requestRender();
    }, visible ? SWAPPED_MS : 0);
  }

  get shown(): string[] {
    return [...this.held].filter(([, held]) => held.visible).map(([id]) => id);
  }

  private draw(held: Held): void {
    const { provider, from } = held.style.source ? images(held.style) : styled(held.layer);
    held.drawn = new ImageryLayer(provider, { alpha: held.opacity, minimumTerrainLevel: Math.max(0, from - 1) });
    const above = [...this.held.values()].filter((one) => one.drawn && one !== held && one.layer.order > held.layer.order);
    const places = above.map((one) => (one.drawn ? this.drawn.indexOf(one.drawn) : -1)).filter((place) => place >= 0);
    this.drawn.add(held.drawn, places.length ? Math.min(...places) : undefined);
  }
}

function images(style: LayerStyle): { provider: UrlTemplateImageryProvider; from: number } {
  const source = hereFrom(style.source as NonNullable<LayerStyle["source"]>);
  const provider = new UrlTemplateImageryProvider({
    url: source.tiles[0] ?? "", rectangle: Rectangle.fromDegrees(...source.bounds), maximumLevel: source.maxzoom,
    tileWidth: source.tileSize, tileHeight: source.tileSize, enablePickFeatures: false,
  });
  return { provider, from: source.minzoom };
}

function styled(layer: LayerInfo): { provider: UrlTemplateImageryProvider; from: number } {
  const provider = new UrlTemplateImageryProvider({
    url: `/wmts/rest/${encodeURIComponent(layer.id)}/default/WebMercatorQuad/{z}/{y}/{x}.png?v=${layer.version}`,
    ...(layer.bbox ? { rectangle: Rectangle.fromDegrees(...layer.bbox) } : {}), maximumLevel: HIGHEST_ZOOM, enablePickFeatures: false,
  });
  return { provider, from: layer.minzoom };
}
