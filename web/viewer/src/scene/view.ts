/** The 3D view: the globe with the city on it, in the state the flat map is in. */

import { type CesiumWidget, ScreenSpaceEventHandler, ScreenSpaceEventType } from "cesium";
import type { LayerInfo, LayerStyle } from "../api";
import { elementOf } from "../bim_api";
import { elementCard } from "../bim_views";
import type { Camera } from "../cameras";
import { viewHash } from "../compare_address";
import { element, say } from "../dom";
import { text } from "../i18n";
import { readScene, writeScene } from "./address";
import { makeEngine } from "./engine";
import { EyeControl } from "./eye";
import { Ground } from "./ground";
import { countFrame, type SceneHandle, type SceneStatistics } from "./handle";
import type { SceneHost } from "./host";
import { modelTheme } from "./model_tree";
import { Outline } from "./outline";
import { type Picked, Picking } from "./picking";
import { Pictures } from "./pictures";
import { isInstead, type SceneSource, sourcesOf } from "./sources";
import { statusLine } from "./status";
import { type Held, Tilesets } from "./tilesets";
import { term } from "./words";
import "./scene.css";

export class SceneView {
  readonly eye: EyeControl;
  readonly ground: Ground;
  readonly pictures: Pictures;
  readonly tilesets: Tilesets;
  readonly picking: Picking;
  readonly outline: Outline;
  private readonly handler: ScreenSpaceEventHandler;
  private readonly forget: (() => void)[] = [];

  private constructor(private readonly host: SceneHost, readonly widget: CesiumWidget, private readonly box: HTMLElement) {
    const { scene } = widget;
    this.eye = new EyeControl(scene);
    this.ground = new Ground(scene);
    this.pictures = new Pictures(scene);
    this.tilesets = new Tilesets(scene, (problem, source) => this.notLoaded(problem, source), (held) => this.changed(held));
    this.picking = new Picking(scene, this.tilesets);
    this.outline = new Outline(widget);
    this.handler = new ScreenSpaceEventHandler(widget.canvas);
  }

  /** Open the view over the flat map, at the place of the address or of the flat map; `stopped` is told when drawing fails. */
  static async open(host: SceneHost, camera: Camera, tilt_deg: number, stopped: () => void): Promise<SceneView> {
    const asked = readScene();
    const box = element("div", { class: "scene", tabindex: "0", "aria-label": term("scene") });
    const credits = element("div", { class: "scene-credits" });
    box.append(credits);
    host.stage.append(box);
    let view: SceneView | null = null;
    try {
      view = new SceneView(host, makeEngine(box, credits, asked.plain), box);
      await view.fill();
      if (asked.eye) view.eye.eye = asked.eye;
      else await view.eye.stand(camera, tilt_deg);
    } catch (error) {
      if (view) view.destroy();
      else box.remove();
      throw error;
    }
    view.listen(stopped);
    view.expose();
    return view;
  }

  /** The flat map's camera of this place; `pitch` null takes the tilt along, as far as the flat map tilts. */
  camera(pitch: number | null): Camera {
    return this.eye.camera(pitch ?? Math.max(0, Math.min(70, 90 + this.eye.eye.pitch_deg)));
  }

  show(id: string, on: boolean): void {
    this.pictures.show(id, on);
    void this.tilesets.show(id, on);
  }

  fade(id: string, opacity: number): void {
    this.pictures.fade(id, opacity);
    const held = this.tilesets.get(id);
    if (!held) return;
    held.looks.opacity = opacity;
    this.tilesets.dress(held);
  }

  /** A layer has a newer version, or is drawn in another style. */
  renew(layer: LayerInfo, style: LayerStyle | undefined): void {
    if (style) this.pictures.renew(layer, style);
    const source = sourcesOf(this.host.catalog).find((one) => one.id === layer.id);
    if (source) void this.tilesets.renew(source);
  }

  highlight(geometry: GeoJSON.Geometry | null): void {
    this.outline.draw(geometry);
    if (!geometry) this.picking.outline(null);
  }

  destroy(): void {
    delete window.onemapScene;
    for (const forget of this.forget) forget();
    this.host.tree?.querySelector(".theme.models")?.remove();
    this.handler.destroy();
    this.widget.destroy();
    this.box.remove();
  }

  private async fill(): Promise<void> {
    const { catalog, styles } = this.host;
    const sources = sourcesOf(catalog);
    const terrain = catalog.scene?.terrain;
    if (terrain) {
      try {
        await this.ground.use(terrain);
      } catch (error) {
        this.host.failed(error);
      }
    } else say(term("noTerrain"));
    const standing = new Set(sources.filter((source) => isInstead(source.kind)).map((source) => source.id));
    for (const layer of [...catalog.layers].sort((a, b) => a.order - b.order)) {
      const style = styles.get(layer.id);
      if (style && layer.geometry !== "none" && !standing.has(layer.id)) this.pictures.offer(layer, style, this.host.isShown(layer.id));
    }
    for (const source of sources) {
      this.tilesets.offer(source);
      void this.tilesets.show(source.id, source.model || this.host.isShown(source.id));
    }
    const models = sources.filter((source) => source.model);
    if (models.length) this.host.tree?.append(modelTheme(models, (id, on) => void this.tilesets.show(id, on), (id, opacity) => this.fade(id, opacity)));
  }

  private listen(stopped: () => void): void {
    const { scene } = this.widget;
    this.handler.setInputAction(({ position }: { position: { x: number; y: number } }) => void this.clicked(position.x, position.y), ScreenSpaceEventType.LEFT_CLICK);
    this.forget.push(
      scene.camera.moveEnd.addEventListener(() => this.note()),
      scene.renderError.addEventListener((_: unknown, error: unknown) => {
        console.error(error);
        setTimeout(stopped);
      }),
      statusLine(this.host.stage, this.handler, this.eye, this.picking, scene),
    );
    this.note();
  }

  private note(): void {
    const view = viewHash(this.camera(null)).replace("#view=", "");
    writeScene(this.eye.eye, view);
  }

  private async clicked(x: number, y: number): Promise<void> {
    const picked = this.picking.at(x, y);
    try {
      if (picked) await this.tell(picked);
      else await this.tellPlace(x, y);
    } catch (error) {
      this.host.failed(error);
    }
  }

  /** The database's record of what was picked, asked for again, so that the policy is. */
  private async tell(picked: Picked): Promise<void> {
    this.picking.outline("feature" in picked ? picked.feature : null);
    if (picked.what === "element") {
      const found = await elementOf(picked.model, picked.globalId);
      this.outline.draw(null);
      this.host.card(elementCard(found.properties, found.names, () => this.host.closeResults()));
    } else if (picked.what !== "mesh") await this.host.record(picked.layer, picked.fid);
  }

  private async tellPlace(x: number, y: number): Promise<void> {
    const place = this.picking.place(x, y);
    this.picking.outline(null);
    if (place) await this.host.identify(place.lon, place.lat, this.camera(null).zoom);
  }

  private changed(_: Held): void {
    this.box.dataset["tilesets"] = this.tilesets.all.filter((held) => held.tileset?.show).map((held) => held.source.id).join(",");
  }

  private notLoaded(problem: unknown, source: SceneSource): void {
    this.tilesets.failed += 1;
    say(`${term("notLoaded")}：${text(source.title)} · ${problem instanceof Error ? problem.message : String(problem)}`, "error");
  }

  private get statistics(): SceneStatistics {
    const shown = this.tilesets.all.flatMap((held) => (held.tileset?.show ? [held.tileset] : []));
    return {
      ...countFrame(this.widget.scene),
      tilesLoaded: this.loaded,
      tilesFailed: this.tilesets.failed,
      memoryBytes: shown.reduce((sum, tileset) => sum + tileset.totalMemoryUsageInBytes, 0),
    };
  }

  private get loaded(): boolean {
    const ready = this.tilesets.all.every((held) => !held.wanted || (held.tileset ? !held.tileset.show || held.tileset.tilesLoaded : held.source.kind === "tube"));
    return ready && this.widget.scene.globe.tilesLoaded && this.tilesets.all.every((held) => !held.coming);
  }

  private expose(): void {
    const view = this;
    const handle: SceneHandle = {
      pick: (x, y) => {
        const picked = view.picking.at(x, y);
        return picked ? (Object.fromEntries(Object.entries(picked).filter(([name]) => name !== "feature")) as Omit<Picked, "feature">) : null;
      },
      place: (x, y) => view.picking.place(x, y),
      project: (lon, lat, height_m) => view.picking.project({ lon, lat, height_m }),
      lookAt: (lon, lat, range_m, heading_deg = 0, pitch_deg = -45, height_m = NaN) => view.eye.lookFrom({ lon, lat, range_m, heading_deg, pitch_deg }, height_m),
      ready: () => view.loaded,
      get statistics() {
        return view.statistics;
      },
    };
    window.onemapScene = handle;
  }
}
