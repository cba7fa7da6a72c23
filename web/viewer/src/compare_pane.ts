/** One pane of a comparison: a map, its layers, and the state they are shown in. */

import { ask, type Catalog, type LayerInfo, type LayerStyle } from "./api";
import type { PaneState } from "./compare_address";
import { element } from "./dom";
import { text, word } from "./i18n";
import { CityMap } from "./map";

/** What can be chosen in every pane: scenarios, and the instants at which layers were published. */
export interface Choices {
  catalog: Catalog;
  scenarios: string[];
  instants: (layers: string[]) => Promise<string[]>;
}

const NOW = "now", OTHER = "other";

export class Pane {
  readonly element: HTMLElement;
  readonly map: CityMap;
  private readonly bar = element("div", { class: "pane-bar" });
  private readonly told = element("p", { class: "pane-problem", role: "alert" });
  private readonly when = element("input", { type: "datetime-local", class: "pane-when" });
  private readonly choice = element("select", { class: "pane-state" });
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
    this.choice.setAttribute("aria-label", word("shownState"));
    this.when.setAttribute("aria-label", word("instant"));
    this.choice.addEventListener("change", () => this.choose());
    this.when.addEventListener("change", () => {
      if (this.when.value) this.become({ at: new Date(this.when.value).toISOString(), scenario: "" });
    });
    this.bar.append(element("b", { class: "letter" }, letter.toUpperCase()), this.choice, this.when, this.layerList(), this.told);
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
    const query = this.stateQuery();
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
    const query = this.stateQuery();
    return query ? `${layer.tiles.split("?")[0]}?${query}` : layer.tiles;
  }

  private stateQuery(): string {
    if (this.state.scenario) return `scenario=${encodeURIComponent(this.state.scenario)}`;
    return this.state.at ? `datetime=${encodeURIComponent(this.state.at)}` : "";
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

  /** Now, scenarios, instants of publishing, and an instant of one's own. */
  private async offer(): Promise<void> {
    const instants = await this.choices.instants(this.state.layers).catch(() => [] as string[]);
    const { at, scenario } = this.state;
    const option = (value: string, label: string): HTMLElement => element("option", { value }, label);
    const group = (label: string, kind: string, values: string[], named: (value: string) => string): HTMLElement | null =>
      values.length ? element("optgroup", { label }, ...values.map((value) => option(`${kind}:${value}`, named(value)))) : null;
    const known = at && !instants.includes(at) ? [at, ...instants] : instants;
    const unlisted = scenario && !this.choices.scenarios.includes(scenario) ? [scenario, ...this.choices.scenarios] : this.choices.scenarios;
    this.choice.replaceChildren(
      ...[
        option(NOW, word("now")), group(word("scenario"), "scenario", unlisted, (name) => name),
        group(word("published"), "at", known, moment), option(OTHER, word("otherInstant")),
      ].filter((one) => one !== null),
    );
    this.choice.value = scenario ? `scenario:${scenario}` : at ? `at:${at}` : NOW;
    this.when.hidden = true;
  }

  private choose(): void {
    const { value } = this.choice;
    this.when.hidden = value !== OTHER;
    if (value === OTHER) this.when.focus();
    else if (value === NOW) this.become({ at: "", scenario: "" });
    else if (value.startsWith("at:")) this.become({ at: value.slice(3), scenario: "" });
    else this.become({ at: "", scenario: value.slice("scenario:".length) });
  }

  private become(state: { at: string; scenario: string }): void {
    this.state = { ...this.state, ...state };
    if (state.at) void this.offer();
    this.again();
  }

  private again(): void {
    this.changed();
    void this.show();
  }
}

/** An instant as people here read it. */
function moment(instant: string): string {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? instant : date.toLocaleString(document.documentElement.lang === "en" ? "en-GB" : "zh-CN");
}
