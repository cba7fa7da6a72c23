/** Picked cameras: beneath each record what the camera sees, drawn on the map, and its live picture. */

import type { Identified } from "./api";
import { cameraRecord, cameraView, TARGETS, type CameraRecord, type CameraView, type PartKind, type Target } from "./camera_api";
import { CameraLayers, PART_COLOURS } from "./camera_layers";
import { CameraPlayer } from "./camera_player";
import { cameraWord, partWord, targetWord } from "./camera_words";
import { button, element } from "./dom";
import type { CityMap } from "./map";

const LAYER = "cameras";
const ORDER: PartKind[] = ["seen", "building", "terrain", "built"];
const MOST_NAMED = 3;

export class CameraPanel {
  private readonly layers: CameraLayers;
  private players: CameraPlayer[] = [];
  private asked = 0;
  private shown = "";

  constructor(map: CityMap) {
    this.layers = new CameraLayers(map.gl);
  }

  /** Add to the cards of cameras among some results; what an earlier result drew or played ends. */
  follow(box: HTMLElement, features: Identified[]): void {
    this.clear();
    const cards = box.querySelectorAll<HTMLDetailsElement>(":scope > div > details");
    features.forEach((feature, place) => {
      const code = String(feature.properties["gb_code"] ?? "");
      const card = cards[place];
      if (feature.layer === LAYER && code && card) this.add(card, code, feature.properties["kind"] === "ptz");
    });
  }

  clear(): void {
    this.asked += 1;
    this.shown = "";
    this.players.forEach((player) => player.stop());
    this.players = [];
    this.layers.sector(null);
    this.layers.view(null);
  }

  private add(card: HTMLDetailsElement, code: string, turns: boolean): void {
    const section = element("section", { class: "camera", "data-camera": code });
    const target = element("select", { "aria-label": cameraWord("target") }, ...TARGETS.map((one) => element("option", { value: one }, targetWord(one))));
    const turned = element("input", { type: "checkbox" });
    const found = element("div", { class: "camera-found", "aria-live": "polite" });
    const look = (): void => void this.look(code, target.value as Target, turned.checked, found);
    target.addEventListener("change", look);
    turned.addEventListener("change", look);
    const player = element("div", { class: "camera-video" });
    section.append(
      element("div", { class: "row" }, button(cameraWord("view"), "quiet camera-look", look), target, turns ? element("label", { class: "tick" }, turned, cameraWord("turned")) : null),
      found, player,
    );
    card.querySelector(":scope > table")?.before(section);
    let opened = false;
    const open = (): void => {
      if (!card.open || this.shown === code) return;
      look();
      if (opened) return;
      opened = true;
      void this.offer(code, player);
    };
    card.addEventListener("toggle", open);
    open();
  }

  /** A button to play it, with what its record says of it. */
  private async offer(code: string, place: HTMLElement): Promise<void> {
    const record = await cameraRecord(code).catch(() => null);
    const player = new CameraPlayer(code, record?.online ?? true);
    this.players.push(player);
    place.replaceChildren(player.element);
  }

  /** Draw a camera's sector and what it sees; an answer that comes after a newer wish is let go. */
  private async look(code: string, target: Target, turned: boolean, place: HTMLElement): Promise<void> {
    const mine = ++this.asked;
    this.shown = code;
    this.layers.view(null);
    place.replaceChildren(element("p", { role: "status" }, cameraWord("calculating")));
    try {
      const record = await cameraRecord(code);
      if (mine !== this.asked) return;
      this.layers.sector(record);
      if (record.unknown) {
        place.replaceChildren(element("p", { class: "caution" }, cameraWord("unknown") + record.unknown));
        return;
      }
      const view = await cameraView(code, target, turned);
      if (mine !== this.asked) return;
      this.layers.view(view);
      place.replaceChildren(...told(view, record));
    } catch (error) {
      if (mine === this.asked) place.replaceChildren(element("p", { class: "caution" }, error instanceof Error ? error.message : String(error)));
    }
  }
}

/** The areas of the parts with their patterns, and the buildings that hide most. */
function told(view: CameraView, record: CameraRecord): HTMLElement[] {
  const { summary } = view;
  const sums: Record<PartKind, number> = {
    seen: summary.seen_m2, building: summary.hidden_by_buildings_m2, terrain: summary.hidden_by_terrain_m2, built: summary.built_m2,
  };
  const rows = ORDER.filter((kind) => sums[kind] > 0).map((kind) => {
    const patch = element("span", { class: `patch ${kind}`, "aria-hidden": "true" });
    patch.style.setProperty("--part", PART_COLOURS[kind]);
    const share = summary.sector_m2 ? (100 * sums[kind]) / summary.sector_m2 : 0;
    return element(
      "tr", { "data-part": kind }, element("th", { scope: "row" }, patch, partWord(kind)),
      element("td", { class: "number" }, `${Math.round(sums[kind]).toLocaleString()} m²`), element("td", { class: "number" }, `${share.toFixed(1)}%`),
    );
  });
  const hiders = view.features.map((one) => one.properties).filter((one) => one.kind === "building");
  const named = hiders.slice(0, MOST_NAMED).map((one) => `${one.building} ${Math.round(one.area_m2).toLocaleString()} m²`);
  const more = hiders.length > MOST_NAMED ? " …" : "";
  return [
    element("table", { class: "camera-parts", "data-online": String(record.online) }, ...rows),
    ...(named.length ? [element("p", { class: "fine" }, `${cameraWord("hiders")}：${named.join("、")}${more}`)] : []),
    element("p", { class: "fine", title: view.notes.join("\n") }, cameraWord("bare")),
  ];
}
