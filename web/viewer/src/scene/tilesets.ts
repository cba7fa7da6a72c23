/** The tilesets of layers and models: loaded when first shown, renewed in place, and counted when they fail. */

import { Cartesian3, Cesium3DTileset, ImageBasedLighting, PointCloudShading, RequestErrorEvent, type Scene, ShadowMode } from "cesium";
import { Looks } from "./looks";
import { PRESENT, type ShownState } from "../shown_state";
import { addressIn, type SceneSource } from "./sources";

const CACHE_BYTES = 192 * 1024 * 1024;
const OVERFLOW_BYTES = 64 * 1024 * 1024;
const SWAP_MS = 15_000;
const ERROR_PX = 16;
/** Points are drawn as large as they are apart, an eighth of their tile's error (docs/tilesets.md), so that no gap shows between them. */
const POINT_SHARE = 1 / 8;
const POINT_PX = 6;
/** Light from all sides of the sky, without which faces turned from the sun were black: its even part, in three colours. */
const SKYLIGHT = [new Cartesian3(0.4, 0.43, 0.48), ...Array.from({ length: 8 }, () => Cartesian3.ZERO)];

const NOT_FOUND = 404;
/** Where tilesets came from. */
const addresses = new WeakMap<Cesium3DTileset, string>();

export interface Held {
  source: SceneSource;
  looks: Looks;
  wanted: boolean;
  tileset: Cesium3DTileset | null;
  /** What is on its way to be `tileset`. */
  loading: Promise<Cesium3DTileset | null> | null;
  /** What a newer version is loaded into, until it takes the place of the one shown. */
  coming: Cesium3DTileset | null;
  /** Whether it has nothing in the state that is shown. */
  absent: boolean;
}

export class Tilesets {
  failed = 0;
  private readonly held = new Map<string, Held>();
  private belowGround = false;
  private state = PRESENT;
  private turn: Promise<unknown> = Promise.resolve();
  /** Newer versions and other states that are on their way. */
  private changes = 0;

  constructor(private readonly scene: Scene, private readonly told: (problem: unknown, source: SceneSource) => void, private readonly shown: (held: Held) => void) {}

  offer(source: SceneSource, opacity = 1): void {
    const looks = new Looks();
    looks.opacity = opacity;
    if (source.model) looks.filter("rooms", isNoRoom);
    this.held.set(source.id, { source, looks, wanted: false, tileset: null, loading: null, coming: null, absent: false });
  }

  get(id: string): Held | undefined {
    return this.held.get(id);
  }

  get all(): Held[] {
    return [...this.held.values()];
  }

  /** Whether all that is shown has come. */
  get loaded(): boolean {
    return this.changes === 0 && this.all.every((held) => !held.loading && !held.coming && (!held.tileset?.show || held.tileset.tilesLoaded));
  }

  /** The layer or model a tileset is of. */
  of(tileset: unknown): Held | undefined {
    return this.all.find((held) => held.tileset === tileset || held.coming === tileset);
  }

  async show(id: string, on: boolean): Promise<void> {
    const held = this.held.get(id);
    if (!held) return;
    held.wanted = on;
    if (!held.tileset && this.visible(held)) {
      held.loading ??= this.load(held);
      held.tileset = await held.loading;
      held.loading = null;
    }
    if (!this.scene.isDestroyed()) this.settle(held);
  }

  /** Pipes and the like are seen only where the ground can be seen through. */
  async underground(on: boolean): Promise<void> {
    this.belowGround = on;
    for (const held of this.all) if (held.source.kind === "tube") await this.show(held.source.id, held.wanted);
  }

  /** Draw what a feature's looks have become. */
  dress(held: Held): void {
    for (const one of [held.tileset, held.coming]) if (one) held.looks.dress(one);
    this.scene.requestRender();
  }

  /** Load a newer version unseen, and show it when it has all that this view needs: nothing is blank in between. */
  renew(source: SceneSource): Promise<void> {
    return this.during(() => this.replace(source));
  }

  private async during(change: () => Promise<unknown>): Promise<void> {
    this.changes += 1;
    try {
      await change();
    } finally {
      this.changes -= 1;
    }
  }

  private async replace(source: SceneSource): Promise<void> {
    const held = this.held.get(source.id);
    if (!held) return;
    held.source = source;
    if (!held.tileset) return;
    const next = await this.load(held, true);
    if (!next) {
      if (held.absent) this.drop(held);
      return;
    }
    if (held.coming) this.scene.primitives.remove(held.coming);
    held.coming = next;
    if (held.tileset.show) await this.whenLoaded(next);
    if (held.coming !== next) return;
    const old = held.tileset;
    held.coming = null;
    held.tileset = next;
    this.settle(held);
    if (old) this.scene.primitives.remove(old);
  }

  /** Show everything as it is in another state; one state is whole before the next begins. */
  become(state: ShownState): Promise<unknown> {
    const before = this.turn;
    this.turn = this.during(async () => {
      await before;
      this.state = state;
      await Promise.all(this.all.map((held) => this.restate(held)));
    });
    return this.turn;
  }

  private async restate(held: Held): Promise<void> {
    await held.loading;
    const address = addressIn(held.source, this.state);
    if (held.tileset && addresses.get(held.tileset) === address) return;
    held.absent = false;
    if (!held.tileset) await this.show(held.source.id, held.wanted);
    else await this.renew(held.source);
  }

  private visible(held: Held): boolean {
    return held.wanted && (held.source.kind !== "tube" || this.belowGround);
  }

  /** Take away what is shown of another state than this one, in which there is nothing. */
  private drop(held: Held): void {
    if (held.tileset) this.scene.primitives.remove(held.tileset);
    held.tileset = null;
    this.settle(held);
  }

  private settle(held: Held): void {
    if (held.tileset) {
      held.tileset.show = this.visible(held);
      held.tileset.preloadWhenHidden = false;
    }
    this.shown(held);
    this.scene.requestRender();
  }

  private async load(held: Held, hidden = false): Promise<Cesium3DTileset | null> {
    const { source } = held;
    const address = addressIn(source, this.state);
    const shaded = source.kind === "volume" || source.kind === "tube" || source.kind === "points";
    try {
      const tileset = await Cesium3DTileset.fromUrl(address, {
        maximumScreenSpaceError: ERROR_PX, cacheBytes: CACHE_BYTES, maximumCacheOverflowBytes: OVERFLOW_BYTES,
        shadows: shaded ? ShadowMode.DISABLED : ShadowMode.ENABLED, environmentMapOptions: { enabled: false }, show: !hidden, preloadWhenHidden: hidden,
        imageBasedLighting: skylight(), preloadFlightDestinations: false,
        pointCloudShading: new PointCloudShading({ attenuation: source.kind === "points", geometricErrorScale: POINT_SHARE, maximumAttenuation: POINT_PX, eyeDomeLighting: false }),
      });
      tileset.tileFailed.addEventListener(({ message, url }: { message: string; url: string }) => {
        this.failed += 1;
        console.warn(`${source.id}: ${url} ${message}`);
      });
      if (source.kind !== "points" && source.kind !== "mesh") held.looks.dress(tileset);
      addresses.set(tileset, address);
      this.scene.primitives.add(tileset);
      return tileset;
    } catch (error) {
      held.absent = address !== source.tileset && error instanceof RequestErrorEvent && error.statusCode === NOT_FOUND;
      if (!held.absent) this.told(error, source);
      return null;
    }
  }

  private whenLoaded(tileset: Cesium3DTileset): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => over(), SWAP_MS);
      const forget = tileset.allTilesLoaded.addEventListener(() => over());
      const over = (): void => {
        clearTimeout(timer);
        forget();
        resolve();
      };
      this.scene.requestRender();
    });
  }
}

/** Rooms are bodies in front of all that is in them: they are seen only where somebody asks for them. */
export function isNoRoom(read: (name: string) => unknown): boolean {
  return read("kind") !== "space";
}

function skylight(): ImageBasedLighting {
  const light = new ImageBasedLighting();
  light.sphericalHarmonicCoefficients = SKYLIGHT;
  return light;
}
