/** The one map: puts catalogue, map, search, identification and session together. */

import "maplibre-gl/dist/maplibre-gl.css";
import "./style.css";
import "./camera.css";
import { ask, Problem, type Catalog, type HeightHere, type Identified, type LayerStyle, type Session } from "./api";
import { Bim } from "./bim";
import { BlockPage } from "./block_page";
import { cameraOf, lookAs } from "./cameras";
import { CameraPanel } from "./camera_panel";
import { followChanges } from "./changes";
import { shown } from "./coordinates";
import { button, element, say } from "./dom";
import { choose, current, word } from "./i18n";
import { Board } from "./emergency/board";
import { EmergencySwitch, isPart } from "./emergency/switch";
import { identifyPanel } from "./identify";
import { ImportPage } from "./import_page";
import { Live } from "./live/live";
import { offerHandle } from "./live/handle";
import { CityMap } from "./map";
import type { PanelName } from "./modes/api";
import { DutyModes } from "./modes/duty_modes";
import { QUERY_PATH, QueryPage } from "./query_page";
import type { SceneHost } from "./scene/host";
import { SceneSwitch } from "./scene/switch";
import { term } from "./scene/words";
import { searchBox } from "./search";
import { sessionControl } from "./session";
import { sheetDialog } from "./sheets";
import { PRESENT, withState } from "./shown_state";
import { layerTree, legendList } from "./tree";
import { waysTo } from "./ways";
import type { MapMouseEvent } from "maplibre-gl";

const PHONE_PX = 640;
const SEARCH_RANGE_M = 900;
/** Wider than this, the list of alarms and the emergency panel stand beside each other. */
const BESIDE_PX = 1700;
const COUNTY: [number, number, number, number] = [103.67, 30.9, 104.18, 31.44];

class Viewer {
  private readonly root = document.querySelector<HTMLElement>("#app") ?? document.body;
  private map: CityMap | null = null;
  private catalog: Catalog = { themes: [], layers: [], view: { bbox: null }, definitions: [] };
  private session: Session = { user: null, role: "anonymous", operations: [], csrf: null };
  private styles = new Map<string, LayerStyle>();
  private importer: ImportPage | null = null;
  private querying: QueryPage | null = null;
  private block: BlockPage | null = null;
  private bim: Bim | null = null;
  private cameraPanel: CameraPanel | null = null;
  private live: Live | null = null;
  private emergency: EmergencySwitch | null = null;
  private modes: DutyModes | null = null;
  private readonly shownLayers = new Map<string, boolean>();
  private readonly fades = new Map<string, number>();
  private selected: GeoJSON.Geometry | null = null;
  private readonly scene = new SceneSwitch(() => this.sceneHost(), () => this.sceneChanged(), (camera) => {
    if (this.map) lookAs(this.map.gl, camera);
    this.sceneChanged();
  });

  async start(): Promise<void> {
    choose(current());
    try {
      [this.catalog, this.session] = await Promise.all([ask<Catalog>("/catalog"), ask<Session>("/session")]);
    } catch (error) {
      this.frame();
      this.failed(error);
      return;
    }
    this.frame();
    if (!document.createElement("canvas").getContext("webgl2")) {
      say(word("noWebgl"), "error");
      return;
    }
    const holder = this.root.querySelector<HTMLElement>(".map");
    if (!holder) return;
    this.map = new CityMap(holder, this.catalog.view.bbox ?? COUNTY);
    await this.map.ready();
    this.listen(this.map);
    await this.draw(this.map);
    this.cameraPanel = new CameraPanel(this.map);
    this.live = this.liveCity(this.map);
    this.emergency = this.emergencyPanel(this.map);
    this.modes = this.dutyModes(this.map);
    this.panel();
    await this.models(this.map);
    if (location.pathname === QUERY_PATH) await this.query()?.start(new URLSearchParams(location.search));
    followChanges((versions) => void this.follow(versions));
    await this.emergency.start();
    await this.modes.start();
    if (this.scene.asked) await this.scene.open();
    this.scene.followAddress();
    document.body.dataset["ready"] = "yes";
  }

  private async models(map: CityMap): Promise<void> {
    const stage = this.root.querySelector<HTMLElement>(".stage");
    if (!stage) return;
    this.bim = new Bim(map, stage, (card) => this.card(card), () => this.closeResults());
    try {
      await this.bim.load();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Draw what somebody changed: a layer's newer version, or a layer that was not there before. */
  private async follow(versions: Map<string, number>): Promise<void> {
    const map = this.map;
    if (!map) return;
    for (const [id, version] of versions) {
      const layer = this.catalog.layers.find((one) => one.id === id);
      if (!layer || version <= layer.version) continue;
      layer.tiles = layer.tiles.replace(`v=${layer.version}`, `v=${version}`);
      layer.version = version;
      if (layer.scene) layer.scene.tileset = layer.scene.tileset.replace(/v=\d+/, `v=${version}`);
      if (layer.content === "raster") await this.restyle(map, id, this.styles.get(id)?.style ?? "");
      else {
        map.renew(id, layer.tiles);
        this.scene.view?.renew(layer, this.styles.get(id));
      }
    }
  }

  private frame(): void {
    this.root.replaceChildren(
      element(
        "header", { class: "top" },
        element("h1", {}, word("title"), element("span", { class: "sub" }, ` · ${word("subtitle")}`)),
        element("span", { class: "label" }, word("synthetic")),
        waysTo("map"),
        element("span", { class: "spring" }),
        button(word("query"), "quiet query-button", () => this.openQuery()),
        this.session.operations.includes("import") ? button(word("imports"), "quiet importing", () => this.openImports()) : null,
        button(word("mapSheet"), "quiet sheet", () => this.orderSheet()),
        button(word("blockFigures"), "quiet blocking", () => this.openBlock()),
        this.compareLink(),
        button(word("terrain"), "quiet terrain", () => this.raise()),
        button(word("tilt"), "quiet tilt", () => this.map?.tilt()),
        button(term("scene"), "quiet to-scene", () => void this.scene.toggle()),
        button(current() === "zh" ? "English" : "中文", "quiet", () => {
          choose(current() === "zh" ? "en" : "zh");
          location.reload();
        }),
        sessionControl(this.session, () => location.reload()),
      ),
      element("main", { class: "stage" },
        element("div", { class: "map", tabindex: "0", "aria-label": word("subtitle") }),
        element("aside", { class: "panel", "aria-label": word("layers") }),
        element("section", { class: "results", "aria-live": "polite" }),
        element("section", { class: "importer", "aria-label": word("imports") }),
        element("section", { class: "query", "aria-label": word("query") }),
        element("section", { class: "query-drawer", "aria-label": word("table") }),
        element("section", { class: "block", "aria-label": word("blockFigures") }),
        element("div", { class: "messages" }),
        element("div", { class: "status" }),
      ),
    );
  }

  private async draw(map: CityMap): Promise<void> {
    const layers = [...this.catalog.layers].filter((l) => l.geometry !== "none").sort((a, b) => a.order - b.order);
    const styles = await Promise.allSettled(layers.map((layer) => ask<LayerStyle>(layer.style)));
    layers.forEach((layer, number) => {
      const answer = styles[number];
      if (answer?.status !== "fulfilled") {
        say(`${layer.id}: ${answer?.reason instanceof Error ? answer.reason.message : ""}`, "error");
        return;
      }
      this.styles.set(layer.id, answer.value);
      this.shownLayers.set(layer.id, layer.default_visible);
      map.add(layer, answer.value, layer.default_visible);
    });
  }

  private panel(): void {
    const panel = this.root.querySelector<HTMLElement>(".panel");
    const map = this.map;
    if (!panel || !map) return;
    const fold = button("≡", "fold", () => panel.classList.toggle("folded"));
    fold.setAttribute("aria-label", word("layers"));
    panel.classList.toggle("folded", window.innerWidth <= PHONE_PX);
    panel.replaceChildren(
      fold,
      searchBox((hit) => {
        this.fly(map, hit.lon, hit.lat, 15.5);
        void this.showFeature(hit.layer, hit.fid);
      }),
      ...(this.modes ? [this.modes.notice.element] : []),
      layerTree(this.catalog, this.styles, this.shownLayers, {
        show: (id, on) => this.show(map, id, on),
        fade: (id, opacity) => {
          this.fades.set(id, opacity);
          map.fade(id, opacity);
          this.scene.view?.fade(id, opacity);
        },
        restyle: (id, style) => void this.restyle(map, id, style),
      }),
    );
    void this.live?.into(panel.querySelector<HTMLElement>(".tree"));
    this.root.querySelector(".terrain")?.toggleAttribute("hidden", !map.terrain.possible);
  }

  private liveCity(map: CityMap): Live {
    const live = new Live({
      stage: this.root.querySelector<HTMLElement>(".stage") ?? this.root,
      session: this.session,
      card: (card) => {
        this.cameraPanel?.clear();
        this.card(card);
      },
      camera: (card, gbCode) => this.cameraPanel?.follow(card, [{ layer: "cameras", fid: 0, title: "", properties: { gb_code: gbCode }, distance_m: 0, geometry: { type: "Point", coordinates: [] } }]),
      closeResults: () => this.closeResults(),
      highlight: (geometry) => this.highlight(geometry),
      fly: (lon, lat, zoom) => this.fly(map, lon, lat, zoom),
      building: (code) => void this.showBuilding(code),
      storey: (model, storey) => void this.showStorey(model, storey),
      draft: (alarm) => void this.emergency?.draftOf(alarm),
      failed: (error) => this.failed(error),
    }, map);
    this.root.querySelector(".top .spring")?.after(live.bell);
    offerHandle(live, map.gl, (code) => this.scene.view?.live?.project(code) ?? null);
    return live;
  }

  private emergencyPanel(map: CityMap): EmergencySwitch {
    const emergency = new EmergencySwitch({
      stage: this.root.querySelector<HTMLElement>(".stage") ?? this.root,
      session: this.session,
      map,
      board: new Board(),
      scene: () => this.scene.view?.stand ?? null,
      opened: () => this.closeResults(),
      failed: (error) => this.failed(error),
    });
    this.live?.bell.after(emergency.button);
    return emergency;
  }

  private dutyModes(map: CityMap): DutyModes {
    const modes = new DutyModes({
      layers: () => this.catalog.layers,
      anonymous: this.session.user === null,
      isShown: (id) => this.shownLayers.get(id) ?? false,
      isTerrain: (id) => this.styles.get(id)?.terrain !== undefined,
      show: (id, on) => this.switchLayer(map, id, on),
      open: (panels) => this.openPanels(panels),
      opened: () => ({ live: this.live?.shown ?? false, emergency: this.emergency?.isOpen ?? false }),
      reopen: async ({ live, emergency }) => {
        if (!emergency) this.emergency?.closeList();
        if (this.live && this.live.shown !== live) await this.live.switch(live);
      },
      failed: (error) => this.failed(error),
    });
    this.emergency?.button.before(modes.chooser);
    return modes;
  }

  /** Open the panels of a duty mode; of two that share the right side a narrow page opens the one named first. */
  private async openPanels(panels: readonly PanelName[]): Promise<void> {
    const parts = panels.filter((one) => isPart(one));
    const wide = window.innerWidth > BESIDE_PX;
    const alarms = panels.includes("alarms") && (wide || panels.find((one) => one === "alarms" || isPart(one)) === "alarms");
    await this.live?.arrange(panels.some((one) => one === "alarms" || one === "devices"), alarms);
    if (parts.length && (wide || !alarms)) await this.emergency?.openParts(parts);
    else this.emergency?.closeList();
    if (panels.includes("search")) this.root.querySelector<HTMLInputElement>(".panel .search")?.focus();
  }

  /** Go to a place in the view that is open. */
  private fly(map: CityMap, lon: number, lat: number, zoom: number): void {
    if (this.scene.view) void this.scene.view.eye.flyTo(lon, lat, SEARCH_RANGE_M);
    else map.gl.flyTo({ center: [lon, lat], zoom: Math.max(map.gl.getZoom(), zoom) });
  }

  private async showBuilding(code: string): Promise<void> {
    try {
      const query = new URLSearchParams({ building_code: code, limit: "1" });
      const { features } = await ask<GeoJSON.FeatureCollection>(`/collections/buildings/items?${query}`);
      const [found] = features;
      if (found?.id === undefined) say(word("noHits"));
      else await this.showFeature("buildings", Number(found.id));
    } catch (error) {
      this.failed(error);
    }
  }

  /** Open the 3D view with a model's storeys up to one. */
  private async showStorey(model: string, storey: string | null): Promise<void> {
    if (!this.scene.view) await this.scene.open();
    await this.scene.view?.openStorey(model, storey);
  }

  private show(map: CityMap, id: string, on: boolean): void {
    this.shownLayers.set(id, on);
    map.show(id, on);
    this.scene.view?.show(id, on);
  }

  /** Switch a layer with its tick in the tree. */
  private switchLayer(map: CityMap, id: string, on: boolean): void {
    this.show(map, id, on);
    const row = this.root.querySelector<HTMLElement>(`.layer[data-layer="${id}"]`);
    const tick = row?.querySelector<HTMLInputElement>("input[type='checkbox']");
    if (tick) tick.checked = on;
    const theme = row?.closest<HTMLDetailsElement>(".theme");
    if (theme && on) theme.open = true;
  }

  /** What both views share, as the 3D view asks for it. */
  private sceneHost(): SceneHost {
    const map = this.map as CityMap;
    return {
      catalog: this.catalog,
      session: this.session,
      styles: this.styles,
      stage: this.root.querySelector<HTMLElement>(".stage") ?? this.root,
      live: this.live,
      emergency: this.emergency,
      tree: this.root.querySelector<HTMLElement>(".panel .tree"),
      isShown: (id) => this.shownLayers.get(id) ?? false,
      show: (id, on) => this.switchLayer(map, id, on),
      fadeOf: (id) => this.fades.get(id) ?? 1,
      camera: () => cameraOf(map.gl),
      record: (layer, fid, state) => this.showFeature(layer, fid, state),
      identify: (lon, lat, zoom) => this.identify(map, lon, lat, null, zoom),
      card: (card) => this.card(card),
      closeResults: () => this.closeResults(),
      failed: (error) => this.failed(error),
    };
  }

  private sceneChanged(): void {
    const on = this.scene.view !== null;
    this.root.classList.toggle("in-scene", on);
    this.root.querySelector(".to-scene")?.setAttribute("aria-pressed", String(on));
    if (this.selected) this.highlight(this.selected);
  }

  private highlight(geometry: GeoJSON.Geometry | null): void {
    this.selected = geometry;
    this.map?.highlight(geometry);
    this.scene.view?.highlight(geometry);
  }

  private raise(): void {
    const on = this.map?.raise() ?? false;
    this.root.querySelector(".terrain")?.setAttribute("aria-pressed", String(on));
  }

  private async restyle(map: CityMap, id: string, name: string): Promise<void> {
    const layer = this.catalog.layers.find((one) => one.id === id);
    if (!layer) return;
    try {
      const style = await ask<LayerStyle>(`${layer.style}?style=${encodeURIComponent(name)}`);
      this.styles.set(id, style);
      map.restyle(id, style);
      this.scene.view?.renew(layer, style);
      this.root.querySelector(`.layer[data-layer="${id}"] .legend`)?.replaceWith(legendList(style.legend));
    } catch (error) {
      this.failed(error);
    }
  }

  private listen(map: CityMap): void {
    const status = this.root.querySelector<HTMLElement>(".status");
    const tell = (lon: number, lat: number): void => {
      if (status) status.textContent = `${shown(lon, lat)}   ${word("zone")}   ${word("zoom")} ${map.gl.getZoom().toFixed(1)}`;
    };
    map.gl.on("mousemove", (event) => tell(event.lngLat.lng, event.lngLat.lat));
    map.gl.on("move", () => tell(map.gl.getCenter().lng, map.gl.getCenter().lat));
    tell(map.gl.getCenter().lng, map.gl.getCenter().lat);
    map.gl.on("click", (event) => {
      if (!this.root.querySelector(".importer.open, .block.open") && !this.querying?.drawingArea && !this.live?.drawingArea && !this.emergency?.busy) void this.clicked(map, event);
    });
    map.gl.getCanvas().addEventListener("keydown", (event) => {
      const centre = map.gl.getCenter();
      if (event.key === "Enter" && !this.querying?.drawingArea && !this.block?.isOpen) void this.identify(map, centre.lng, centre.lat);
    });
    map.gl.on("error", (event) => {
      const reason = event.error?.message ?? "";
      if (!/abort/i.test(reason)) console.warn(reason);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.closeResults();
    });
  }

  /** Marks of an incident, devices and alarms, then warnings, then an element of the storey that is looked into, go before what else is there. */
  private async clicked(map: CityMap, { point, lngLat }: MapMouseEvent): Promise<void> {
    if (this.emergency?.pick(point.x, point.y)) return;
    if (await this.live?.pick(point.x, point.y)) return;
    if (this.emergency?.pickWarning(point.x, point.y)) return;
    if (await this.bim?.pick(point.x, point.y)) return;
    await this.identify(map, lngLat.lng, lngLat.lat, this.bim?.cardAt(point.x, point.y));
  }

  private async identify(map: CityMap, lon: number, lat: number, model: HTMLElement | null = null, zoom = map.gl.getZoom()): Promise<void> {
    const layers = [...new Set([...map.visible(), ...map.terrain.layers])];
    if (!layers.length && !model) return;
    const query = new URLSearchParams({
      lon: lon.toFixed(7), lat: lat.toFixed(7), z: zoom.toFixed(2), layers: layers.slice(0, 40).join(","), limit: "5",
    });
    try {
      const found = layers.length ? await ask<{ features: Identified[]; heights: HeightHere[] }>(`/identify?${query}`) : { features: [], heights: [] };
      this.results(found.features, found.heights);
      if (!model) return;
      this.root.querySelector(".results .results-head")?.after(model);
      this.root.querySelector(".results .none")?.remove();
    } catch (error) {
      this.failed(error);
    }
  }

  private async showFeature(layer: string, fid: number, state = PRESENT): Promise<void> {
    try {
      const feature = await ask<GeoJSON.Feature>(withState(`/collections/${layer}/items/${fid}`, state));
      const properties = (feature.properties ?? {}) as Record<string, unknown>;
      const info = this.catalog.layers.find((one) => one.id === layer);
      const title = String(properties["name"] ?? info?.kind.zh ?? layer);
      this.results([{ layer, fid, title, properties, distance_m: 0, geometry: feature.geometry }]);
    } catch (error) {
      this.failed(error);
    }
  }

  private results(features: Identified[], heights: HeightHere[] = []): void {
    const box = this.root.querySelector<HTMLElement>(".results");
    if (!box) return;
    box.replaceChildren(identifyPanel(features, heights, this.catalog, (one) => this.highlight(one.geometry), () => this.closeResults()));
    this.cameraPanel?.follow(box, features);
    box.classList.add("open");
    this.highlight(features[0]?.geometry ?? null);
  }

  private card(card: HTMLElement): void {
    const box = this.root.querySelector<HTMLElement>(".results");
    box?.replaceChildren(card);
    box?.classList.add("open");
  }

  private openImports(): void {
    const box = this.root.querySelector<HTMLElement>(".importer");
    const map = this.map;
    if (!box || !map) return;
    this.closeResults();
    this.importer ??= new ImportPage(box, this.session, this.catalog, {
      overlay: (name, data) => map.overlay(name, data),
      changed: (layer) => void this.layerChanged(map, layer),
    });
    this.importer.toggle();
  }

  private query(): QueryPage | null {
    const box = this.root.querySelector<HTMLElement>(".query");
    const drawer = this.root.querySelector<HTMLElement>(".query-drawer");
    if (!box || !drawer || !this.map) return null;
    this.querying ??= new QueryPage(box, drawer, this.catalog, this.map);
    return this.querying;
  }

  private openQuery(): void {
    this.closeResults();
    if (this.root.querySelector(".importer.open")) this.importer?.toggle();
    this.query()?.toggle();
  }

  private openBlock(): void {
    const box = this.root.querySelector<HTMLElement>(".block");
    const map = this.map;
    if (!box || !map) return;
    this.closeResults();
    this.block ??= new BlockPage(box, this.session, this.catalog, map);
    this.block.toggle();
  }

  /** To the page that compares states, with what is seen now. */
  private compareLink(): HTMLElement {
    const link = element("a", { class: "quiet", href: "/compare" }, word("compare"));
    link.addEventListener("click", () => {
      const layers = (this.map?.visible() ?? []).join(",");
      link.href = `/compare?a=${layers}&b=${layers}${location.hash}`;
    });
    return link;
  }

  /** Draw a layer again after an import or an undo: its version, and maybe its being there, have changed. */
  private async layerChanged(map: CityMap, id: string): Promise<void> {
    try {
      await this.bim?.load();
      this.catalog = await ask<Catalog>("/catalog");
      const layer = this.catalog.layers.find((one) => one.id === id);
      map.remove(id);
      if (!layer || layer.geometry === "none") return;
      const style = await ask<LayerStyle>(layer.style);
      this.styles.set(id, style);
      this.shownLayers.set(id, true);
      map.add(layer, style, true);
      this.panel();
    } catch (error) {
      this.failed(error);
    }
  }

  private orderSheet(): void {
    const map = this.map;
    if (!map) return;
    const view = (): [number, number, number, number] => {
      const bounds = map.gl.getBounds();
      return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
    };
    sheetDialog(this.session.csrf, view).catch((error: unknown) => this.failed(error));
  }

  private closeResults(): void {
    this.root.querySelector(".results")?.classList.remove("open");
    this.cameraPanel?.clear();
    this.highlight(null);
  }

  private failed(error: unknown): void {
    if (error instanceof Problem || error instanceof Error) say(error.message, "error");
  }
}

void new Viewer().start();
