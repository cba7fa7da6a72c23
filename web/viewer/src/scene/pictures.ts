/** Layers of the flat map laid on the ground: images as tiles of their own, drawn layers as pictures of several at once. */

import { ImageryLayer, type ImageryProvider, Rectangle, type Scene, type TileProviderError, UrlTemplateImageryProvider } from "cesium";
import { ask, type LayerInfo, type LayerStyle } from "../api";
import { withState } from "../shown_state";
import { hereFrom } from "../tile_address";

const PICTURE_PX = 512;
const HIGHEST_ZOOM = 18;
/** Coarser pictures, stretched over the view until finer ones come, would hide more than they tell. */
const FIRST_ZOOM = 7;
const MOST_TOGETHER = 12;
const SWAPPED_MS = 4_000;
const GATHER_MS = 50;
const MOST_RETRIES = 4;
const RETRY_MS = 1_500;

interface Held {
  layer: LayerInfo;
  style: LayerStyle;
  visible: boolean;
  opacity: number;
}
/** What is one layer of imagery: a run of neighbours in drawing order that look the same through. */
interface Sheet {
  key: string;
  held: Held[];
}

export class Pictures {
  private readonly held = new Map<string, Held>();
  private drawn: { key: string; imagery: ImageryLayer }[] = [];
  private timer = 0;
  private at = "";
  /** Layers that have nothing at the instant shown. */
  private absent = new Set<string>();

  constructor(private readonly scene: Scene) {}

  /** Draw layers as they were at an instant (ISO 8601), empty for the present; images have the present only. */
  async become(at: string): Promise<void> {
    this.at = at;
    await this.ask();
    this.soon();
  }

  /** Which of the layers shown were there at the instant: a picture of several fails for one that was not. */
  private async ask(): Promise<void> {
    const { at } = this;
    const drawn = at ? [...this.held.values()].filter((one) => one.visible && !one.style.source).map((one) => one.layer.id) : [];
    const there = await Promise.all(drawn.map((id) => ask<{ numberReturned: number }>(withState(`/collections/${id}/items?limit=1`, { at, scenario: "" }))
      .then((answer) => answer.numberReturned > 0, () => false)));
    if (at === this.at) this.absent = new Set(drawn.filter((_, number) => !there[number]));
  }

  offer(layer: LayerInfo, style: LayerStyle, visible: boolean, opacity: number): void {
    this.held.set(layer.id, { layer, style, visible, opacity });
    this.soon();
  }

  show(id: string, visible: boolean): void {
    this.change(id, { visible });
    if (this.at && visible) void this.become(this.at);
  }

  fade(id: string, opacity: number): void {
    this.change(id, { opacity });
  }

  /** Draw a layer's newer version, or another style. */
  renew(layer: LayerInfo, style: LayerStyle): void {
    this.change(layer.id, { layer, style });
  }

  private change(id: string, part: Partial<Held>): void {
    const held = this.held.get(id);
    if (!held) return;
    Object.assign(held, part);
    this.soon();
  }

  private soon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.draw(), GATHER_MS);
  }

  /** Draw what is shown now; what it replaces stays below until the new had time to come. */
  private draw(): void {
    if (this.scene.isDestroyed()) return;
    const seen = [...this.held.values()].filter((one) => one.visible && !this.absent.has(one.layer.id));
    const wanted = sheets(seen.sort((a, b) => a.layer.order - b.layer.order), this.at);
    const kept = new Map(this.drawn.map((one) => [one.key, one.imagery]));
    const old = this.drawn.filter((one) => !wanted.some((sheet) => sheet.key === one.key)).map((one) => one.imagery);
    this.drawn = wanted.map((sheet) => ({ key: sheet.key, imagery: kept.get(sheet.key) ?? this.add(imageryOf(sheet, this.at)) }));
    for (const { imagery } of this.drawn) this.scene.imageryLayers.raiseToTop(imagery);
    if (old.length) setTimeout(() => this.drop(old), SWAPPED_MS);
    this.scene.requestRender();
  }

  private add(imagery: ImageryLayer): ImageryLayer {
    this.scene.imageryLayers.add(imagery);
    return imagery;
  }

  private drop(old: ImageryLayer[]): void {
    if (this.scene.isDestroyed()) return;
    for (const imagery of old) this.scene.imageryLayers.remove(imagery);
    this.scene.requestRender();
  }
}

function sheets(shown: Held[], at: string): Sheet[] {
  const found: Held[][] = [];
  for (const held of shown) {
    const last = found.at(-1);
    const first = last?.[0];
    const joins = last && first && last.length < MOST_TOGETHER && !held.style.source && !first.style.source && first.opacity === held.opacity;
    if (joins) last.push(held);
    else found.push([held]);
  }
  return found.map((held) => ({ held, key: `${at} ` + held.map(({ layer, style, opacity }) => `${layer.id}@${layer.version}:${style.style ?? ""}:${opacity}`).join(",") }));
}

function imageryOf({ held }: Sheet, at: string): ImageryLayer {
  const [first] = held as [Held];
  const { provider, from } = first.style.source ? images(first.style.source) : picture(held.map((one) => one.layer), at);
  provider.errorEvent.addEventListener(again);
  return new ImageryLayer(provider, { alpha: first.opacity, minimumTerrainLevel: Math.max(0, from - 1) });
}

/** A server that draws as much as it can asks to come back: do so a few times. */
function again(error: TileProviderError): void {
  if (error.timesRetried >= MOST_RETRIES) return;
  const wait = RETRY_MS * (error.timesRetried + 1);
  (error as { retry: boolean | Promise<boolean> }).retry = new Promise((resolve) => setTimeout(() => resolve(true), wait));
}

function images(given: NonNullable<LayerStyle["source"]>): { provider: ImageryProvider; from: number } {
  const source = hereFrom(given);
  const provider = new UrlTemplateImageryProvider({
    url: source.tiles[0] ?? "", rectangle: Rectangle.fromDegrees(...source.bounds), maximumLevel: source.maxzoom,
    tileWidth: source.tileSize, tileHeight: source.tileSize, enablePickFeatures: false,
  });
  return { provider, from: source.minzoom };
}

function picture(layers: LayerInfo[], at: string): { provider: ImageryProvider; from: number } {
  const query = new URLSearchParams({
    service: "WMS", version: "1.3.0", request: "GetMap", layers: layers.map((layer) => layer.id).join(","), styles: "", crs: "EPSG:3857", format: "image/png", transparent: "true",
    width: String(PICTURE_PX), height: String(PICTURE_PX), v: layers.map((layer) => layer.version).join("."), ...(at ? { time: at } : {}),
  });
  const provider = new UrlTemplateImageryProvider({
    url: `/wms?${query}&bbox={westProjected},{southProjected},{eastProjected},{northProjected}`, rectangle: around(layers),
    maximumLevel: HIGHEST_ZOOM, tileWidth: PICTURE_PX, tileHeight: PICTURE_PX, enablePickFeatures: false,
  });
  return { provider, from: Math.max(FIRST_ZOOM, Math.min(...layers.map((layer) => layer.minzoom))) };
}

function around(layers: LayerInfo[]): Rectangle {
  const boxes = layers.flatMap((layer) => (layer.bbox ? [layer.bbox] : []));
  if (boxes.length < layers.length) return Rectangle.fromDegrees(-180, -85, 180, 85);
  const side = (at: 0 | 1 | 2 | 3): number[] => boxes.map((box) => box[at]);
  return Rectangle.fromDegrees(Math.min(...side(0)), Math.min(...side(1)), Math.max(...side(2)), Math.max(...side(3)));
}
