/** One pane of a comparison: a map, its layers, and the state they are shown in. */

import { ask, type Catalog, type LayerInfo, type LayerStyle } from "./api";
import type { PaneState } from "./compare_address";
import { element } from "./dom";
import { text, word } from "./i18n";
import { CityMap } from "./map";
import { StateChoice, type StateChoices, stateQuery } from "./shown_state";

/** What can be chosen in every pane. */
export interface Choices extends StateChoices {
  catalog: Catalog;
}

export class Pane {
  readonly element: HTMLElement;
  readonly map: CityMap;
  private readonly bar = element("div", { class: "pane-bar" });
  private readonly told = element("p", { class: "pane-problem", role: "alert" });
  private readonly choice: StateChoice;
  private drawn = new Set<string>();
  private turn: Promise<void> = Promise.resolve();

  constructor(
    readonly letter: string, private readonly choices: Choices, bbox: [number, number, number, number],
    public state: PaneState, private readonly changed: () => void,
  ) {
    const holder = element("div", { class: "map", tabindex: "0", "aria-label": `${word("compare")} ${letter.toUpperCase()}` });
    this.element = element("section", { class: `pane ${letter}` }, holder, this.bar);
    this.map = new CityMap(holder, bbox, false);
    this.map.gl.on("error", (event) => {
      const reason = event.error?.message ?? "";
      if (reason && !/abort/i.test(reason)) this.told.textContent = reason;
    });
    this.choice = new StateChoice(choices, state, (chosen) => {
      this.state = { ...this.state, ...chosen };
      if (chosen.at) void this.offer();
      this.again();
    });
    this.bar.append(element("b", { class: "letter" }, letter.toUpperCase()), this.choice.list, this.choice.when, this.layerList(), this.told);
    void this.offer();
  }

  /** Draw what the state says; one drawing ends before the next begins. */
  show(): Promise<void> {
    this.turn = this.turn.then(() => this.draw());
    return this.turn;
  }

  private async draw(): Promise<void> {
    await this.map.ready();
    for (const id of this.drawn) this.map.remove(id);
    this.drawn = new Set();
    this.told.textContent = "";
    const wanted = this.layers().filter((layer) => this.state.layers.includes(layer.id));
    const styles = await Promise.allSettled(wanted.map((layer) => ask<LayerStyle>(layer.style)));
    wanted.forEach((layer, number) => {
      const answer = styles[number];
      if (answer?.status !== "fulfilled") {
        this.told.textContent = `${text(layer.title)}: ${answer?.reason instanceof Error ? answer.reason.message : ""}`;
        return;
      }
      this.map.add({ ...layer, tiles: this.address(layer) }, answer.value, true);
      this.drawn.add(layer.id);
    });
    await this.tell(wanted);
  }

  /** Say what a map cannot: layers that are not there, a state that is none, pictures that have only one. */
  private async tell(wanted: LayerInfo[]): Promise<void> {
    const known = new Set(this.layers().map((layer) => layer.id));
    const told = this.state.layers.filter((id) => !known.has(id)).map((id) => `${id}: ${word("noSuchLayer")}`);
    const query = stateQuery(this.state);
    if (query) {
      const pictures = wanted.filter((layer) => layer.content === "raster").map((layer) => text(layer.title));
      if (pictures.length) told.push(`${pictures.join("、")}: ${word("picturesNow")}`);
      const vectors = wanted.filter((layer) => layer.content !== "raster");
      const asked = vectors.map((layer) => ask<{ numberReturned: number }>(`/collections/${layer.id}/items?limit=1&${query}`));
      (await Promise.allSettled(asked)).forEach((answer, number) => {
        const title = text(vectors[number]?.title ?? { zh: "", en: "" });
        if (answer.status === "rejected") told.push(`${title}: ${answer.reason instanceof Error ? answer.reason.message : ""}`);
        else if (!answer.value.numberReturned) told.push(`${title}: ${word("emptyThen")}`);
      });
    }
    if (told.length) this.told.textContent = told.join("；");
  }

  private address(layer: LayerInfo): string {
    const query = stateQuery(this.state);
    return query ? `${layer.tiles.split("?")[0]}?${query}` : layer.tiles;
  }

  private layers(): LayerInfo[] {
    return this.choices.catalog.layers.filter((layer) => layer.geometry !== "none").sort((a, b) => a.order - b.order);
  }

  private layerList(): HTMLElement {
    const summary = element("summary", {});
    const count = (): void => {
      summary.textContent = `${word("layers")} ${this.state.layers.length}`;
    };
    const ticks = this.layers().map((layer) => {
      const tick = element("input", { type: "checkbox", value: layer.id, ...(this.state.layers.includes(layer.id) ? { checked: "" } : {}) });
      tick.addEventListener("change", () => {
        const rest = this.state.layers.filter((id) => id !== layer.id);
        this.state = { ...this.state, layers: tick.checked ? [...rest, layer.id] : rest };
        count();
        void this.offer();
        this.again();
      });
      return element("label", {}, tick, text(layer.title));
    });
    count();
    return element("details", { class: "pane-layers" }, summary, element("div", {}, ...ticks));
  }

  private offer(): Promise<void> {
    return this.choice.offer(this.state.layers, this.state);
  }

  private again(): void {
    this.changed();
    void this.show();
  }
}
