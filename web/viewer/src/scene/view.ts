/** The 3D view: the globe with the city on it, in the state the flat map is in. */

import { type CesiumWidget, ScreenSpaceEventHandler, ScreenSpaceEventType } from "cesium";
import type { LayerInfo, LayerStyle } from "../api";
import type { Camera } from "../cameras";
import { viewHash } from "../compare_address";
import { element, say } from "../dom";
import { text } from "../i18n";
import { readScene, writeScene } from "./address";
import { Asking } from "./asking";
import { bareGround, feetOf } from "./bare_ground";
import { makeEngine } from "./engine";
import { keysOf } from "./keys";
import { EyeControl } from "./eye";
import { Footprints } from "./footprints";
import { Ground } from "./ground";
import { handleOf } from "./handle";
import type { SceneHost } from "./host";
import { IncidentGround } from "./incident_ground";
import { LivePoints } from "./live_points";
import { modelTheme } from "./model_tree";
import type { ToolBar } from "./panel";
import { Outline } from "./outline";
import { Picking } from "./picking";
import { Pictures } from "./pictures";
import { Sections } from "./section";
import { Sketch } from "./sketch";
import { isInstead, type SceneSource, sourcesOf } from "./sources";
import { Stand } from "./stand";
import { StandIns } from "./stand_ins";
import { StateControl } from "./state_control";
import { statusLine } from "./status";
import { openStorey } from "./storey_link";
import { SunControl } from "./sun";
import { type Held, Tilesets } from "./tilesets";
import { toolBar } from "./tools";
import { term } from "./words";
import "./scene.css";

export class SceneView {
  readonly eye: EyeControl;
  readonly ground: Ground;
  readonly pictures: Pictures;
  readonly tilesets: Tilesets;
  readonly picking: Picking;
  readonly sketch: Sketch;
  readonly sections: Sections;
  readonly sun: SunControl;
  readonly states: StateControl;
  readonly live: LivePoints | null;
  readonly incidents: IncidentGround | null;
  readonly stand: Stand;
  /** How many frames were drawn. */
  frames = 0;
  private readonly standIns: StandIns;
  private readonly footprints: Footprints;
  private readonly asking: Asking;
  private readonly tools: ToolBar;
  private readonly handler: ScreenSpaceEventHandler;
  private readonly forget: (() => void)[] = [];

  private constructor(private readonly host: SceneHost, readonly widget: CesiumWidget, private readonly box: HTMLElement) {
    const { scene } = widget;
    this.eye = new EyeControl(scene);
    this.ground = new Ground(scene);
    this.pictures = new Pictures(scene);
    this.tilesets = new Tilesets(scene, (problem, source) => this.notLoaded(problem, source), (held) => this.changed(held));
    this.picking = new Picking(scene, this.tilesets);
    this.sketch = new Sketch(widget, this.picking);
    this.sections = new Sections(scene, this.tilesets);
    this.sun = new SunControl(widget, () => this.eye.middle());
    this.states = new StateControl(this.tilesets, this.pictures);
    this.standIns = new StandIns(this.tilesets);
    this.footprints = new Footprints(scene);
    this.asking = new Asking(host, this.picking, new Outline(widget), this.footprints, () => (this.sketch.active ? null : this.camera(null).zoom), () => this.states.current);
    this.live = host.live && new LivePoints(scene, this.eye, host.live);
    this.incidents = host.emergency && new IncidentGround(widget, host.emergency.board);
    this.stand = new Stand(this.eye, this.sketch);
    this.tools = toolBar(this, host, box);
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
      box.append(view.states.banner);
      await view.fill();
      if (asked.eye) view.eye.eye = asked.eye;
      else await view.eye.stand(camera, tilt_deg);
    } catch (error) {
      if (view) view.destroy();
      else box.remove();
      throw error;
    }
    view.sun.usual();
    view.listen(stopped);
    window.onemapScene = handleOf(view);
    return view;
  }

  /** The flat map's camera of this place; `pitch` null takes the tilt along, as far as the flat map tilts. */
  camera(pitch: number | null): Camera {
    return this.eye.camera(pitch ?? Math.max(0, Math.min(70, 90 + this.eye.eye.pitch_deg)));
  }

  show(id: string, on: boolean): void {
    const seenBelow = this.ground.underground && this.tilesets.get(id)?.source.kind === "tube";
    this.pictures.show(id, on && !seenBelow);
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
    this.asking.highlight(geometry);
  }

  /** Show a model, cut open above a storey where one is named. */
  openStorey(model: string, storey: string | null): Promise<void> {
    return openStorey(this.tilesets, this.tools, this.widget.camera, model, storey);
  }

  destroy(): void {
    delete window.onemapScene;
    this.live?.destroy();
    this.incidents?.destroy();
    this.stand.end();
    for (const forget of this.forget) forget();
    this.host.tree?.querySelector(".theme.models")?.remove();
    this.tools.destroy();
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
      if (style && layer.geometry !== "none" && !standing.has(layer.id)) this.pictures.offer(layer, style, this.host.isShown(layer.id), this.host.fadeOf(layer.id));
    }
    for (const source of sources) this.tilesets.offer(source, this.host.fadeOf(source.id));
    await this.states.begin();
    const shown = sources.map((source) => this.tilesets.show(source.id, source.model || this.host.isShown(source.id)));
    if (!terrain) await Promise.all(shown);
    const models = sources.filter((source) => source.model);
    if (models.length) this.host.tree?.append(modelTheme(models, (id, on) => void this.tilesets.show(id, on), (id, opacity) => this.fade(id, opacity)));
  }

  private listen(stopped: () => void): void {
    const { scene } = this.widget;
    this.handler.setInputAction(({ position }: { position: { x: number; y: number } }) => this.clicked(position.x, position.y), ScreenSpaceEventType.LEFT_CLICK);
    this.forget.push(
      scene.camera.moveEnd.addEventListener(() => this.note()),
      scene.postRender.addEventListener(() => {
        this.frames += 1;
      }),
      scene.globe.tileLoadProgressEvent.addEventListener((left: number) => {
        if (!left) this.note();
      }),
      scene.renderError.addEventListener((_: unknown, error: unknown) => {
        console.error(error);
        setTimeout(stopped);
      }),
      keysOf(this.box, this.eye, () => void this.asking.at(this.widget.canvas.clientWidth / 2, this.widget.canvas.clientHeight / 2)),
      statusLine(this.host.stage, this.handler, this.eye, this.picking, scene),
    );
    this.note();
  }

  private clicked(x: number, y: number): void {
    const chosen = this.sketch.active ? null : this.incidents?.at(x, y);
    if (chosen) this.host.emergency?.choose(chosen);
    else if (this.sketch.active || !this.live?.pick(x, y)) void this.asking.at(x, y);
  }

  private note(): void {
    const view = viewHash(this.camera(null)).replace("#view=", "");
    writeScene(this.eye.eye, view);
  }

  /** A tileset was shown, hidden or renewed. */
  private changed(held: Held): void {
    this.sections.applyTo(held);
    this.standIns.settle();
    this.states.tell();
    void this.footprints.settle(held).catch((error: unknown) => this.host.failed(error));
    if (!this.host.catalog.scene?.terrain && held.tileset && held.source.kind === "extrusion") this.widget.terrainProvider = bareGround(feetOf(held.tileset));
    this.box.dataset["tilesets"] = this.tilesets.all.filter((held) => held.tileset?.show).map((held) => held.source.id).join(",");
  }

  private notLoaded(problem: unknown, source: SceneSource): void {
    this.tilesets.failed += 1;
    say(`${term("notLoaded")}：${text(source.title)} · ${problem instanceof Error ? problem.message : String(problem)}`, "error");
  }

  /** Whether all that this view needs is drawn. */
  get loaded(): boolean {
    return this.tilesets.loaded && this.widget.scene.globe.tilesLoaded;
  }
}
