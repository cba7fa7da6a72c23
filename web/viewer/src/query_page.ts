/** The query page: conditions on the left, what they find below and on the map, its text, files and figures. */

import type { Catalog, LayerInfo } from "./api";
import { button, element, say } from "./dom";
import { text, word, type Word } from "./i18n";
import type { CityMap } from "./map";
import { extent, NOTHING } from "./overlays";
import { FORMATS, MOST_DRAWN, nextOf, QueryApi, type Format, type Page } from "./query_api";
import { AreaDrawing } from "./query_area";
import { groupRows, layerChoice, option } from "./query_builder";
import { emptyQuery, fromAddress, kindOf, toAddress, toCql, type Area, type Query } from "./query_model";
import { resultTable, statisticsView } from "./query_results";

export const QUERY_PATH = "/query";
const MAP_PATH = "/map";

export class QueryPage {
  private query: Query;
  private sortby = "";
  private groupBy = "";
  private sumOf = "";
  /** Where each page begins, as far as they were turned. */
  private starts: (string | null)[] = [null];
  private number = 0;
  private page: Page | null = null;
  private asking = new AbortController();
  private readonly drawing: AreaDrawing;
  private readonly rows = element("div", { class: "query-rows" });
  private readonly cql = element("textarea", { class: "cql", rows: "3", spellcheck: "false", "aria-label": word("cql") });
  private readonly byHand = element("p", { class: "caution", hidden: "" });
  private readonly answer = element("div", { class: "query-answer" });

  constructor(
    private readonly box: HTMLElement, private readonly drawer: HTMLElement, private readonly catalog: Catalog, private readonly map: CityMap,
  ) {
    this.query = emptyQuery(this.layers()[0]?.id ?? "");
    this.drawing = new AreaDrawing(map, (ring) => this.setArea(ring ? { ring } : this.query.area));
    this.cql.addEventListener("input", () => {
      this.query.text = this.cql.value;
      this.told();
    });
  }

  get open(): boolean {
    return this.box.classList.contains("open");
  }
  get drawingArea(): boolean {
    return this.drawing.active;
  }

  /** Open with the query of the address, and run it where there is one. */
  async start(address: URLSearchParams): Promise<void> {
    const asked = address.get("layer");
    const layer = this.layers().find((one) => one.id === asked) ?? this.layers()[0];
    if (!layer) return;
    if (asked && layer.id !== asked) say(`${asked}: ${word("noLayer")}`, "error");
    if (asked === layer.id) {
      this.query = fromAddress(address, layer.id, layer.fields);
      this.sortby = address.get("sortby") ?? "";
    }
    this.toggle(true);
    if (asked === layer.id) await this.run();
  }

  toggle(on = !this.open): void {
    this.box.classList.toggle("open", on);
    this.box.parentElement?.classList.toggle("querying", on);
    if (on) {
      this.build();
      this.keepAddress();
      return;
    }
    this.drawing.stop();
    this.drawing.draw(null);
    this.map.overlay("query", NOTHING);
    this.drawer.classList.remove("open");
    history.replaceState(null, "", MAP_PATH + location.hash);
  }

  private layers(): LayerInfo[] {
    return this.catalog.layers.filter((layer) => layer.content === "vector");
  }

  private layer(): LayerInfo | undefined {
    return this.layers().find((one) => one.id === this.query.layer);
  }

  private build(): void {
    const layer = this.layer();
    if (!layer) return;
    const head = element("div", { class: "results-head" }, element("h2", {}, word("query")), button("×", "close", () => this.toggle(false)));
    head.querySelector(".close")?.setAttribute("aria-label", word("close"));
    const actions = {
      edited: () => this.edited(),
      rebuilt: () => {
        this.edited();
        this.fillRows(layer);
      },
      chosen: (id: string) => {
        this.query = emptyQuery(id);
        this.sortby = this.groupBy = this.sumOf = "";
        this.drawer.classList.remove("open");
        this.map.overlay("query", NOTHING);
        this.build();
      },
    };
    this.actions = actions;
    this.fillRows(layer);
    this.box.replaceChildren(
      head, layerChoice(this.catalog, this.query.layer, actions), this.rows,
      element("label", { class: "cql-label" }, element("span", {}, "CQL2"), this.cql), this.byHand,
      element("div", { class: "buttons" },
        button(word("copy"), "quiet", () => void this.copy()),
        button(word("clear"), "quiet", () => actions.chosen(this.query.layer)),
        button(word("run"), "main", () => void this.run())),
      this.answer,
    );
    this.answer.replaceChildren();
    this.told();
  }

  private actions = { edited: (): void => undefined, rebuilt: (): void => undefined, chosen: (_: string): void => undefined };

  private fillRows(layer: LayerInfo): void {
    this.rows.replaceChildren(...groupRows(this.query, layer, this.actions), ...(layer.geometry === "none" ? [] : [this.areaRow()]));
  }

  private areaRow(): HTMLElement {
    const area = this.query.area;
    const shown = area === null ? word("everywhere") : "box" in area ? word("inView") : word("inPolygon");
    return element(
      "div", { class: "query-line area" }, element("span", {}, `${word("where")}: ${shown}`),
      button(word("useView"), "link", () => {
        const bounds = this.map.gl.getBounds();
        this.setArea({ box: [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()] });
      }),
      button(word("drawArea"), "link", () => {
        say(word("drawHint"));
        this.drawing.begin();
      }),
      area ? button(word("remove"), "link", () => this.setArea(null)) : null,
    );
  }

  private setArea(area: Area | null): void {
    this.query.area = area;
    this.actions.rebuilt();
  }

  /** The rows changed: their text takes the place of one written by hand. */
  private edited(): void {
    this.query.text = null;
    this.told();
  }

  private told(): void {
    const layer = this.layer();
    if (!layer) return;
    const written = this.query.text !== null;
    if (!written) this.cql.value = toCql(this.query, layer.fields);
    else if (this.cql.value !== this.query.text) this.cql.value = this.query.text ?? "";
    this.byHand.hidden = !written;
    this.byHand.textContent = word("writtenByHand");
    this.drawing.draw(written ? null : this.query.area);
  }

  private keepAddress(): void {
    const layer = this.layer();
    if (layer) history.replaceState(null, "", `${QUERY_PATH}?${toAddress(this.query, layer.fields, this.sortby)}${location.hash}`);
  }

  private async copy(): Promise<void> {
    this.cql.select();
    try {
      await navigator.clipboard.writeText(this.cql.value);
      say(word("copied"));
    } catch {
      document.execCommand("copy");
    }
  }

  private async run(): Promise<void> {
    this.starts = [null];
    this.number = 0;
    this.keepAddress();
    const api = this.api();
    await this.trying(async (signal) => {
      await this.fetchPage(api, signal);
      await this.drawFound(api, signal);
    });
  }

  private api(): QueryApi {
    return new QueryApi(this.query.layer, toCql(this.query, this.layer()?.fields ?? []), this.sortby);
  }

  private async fetchPage(api: QueryApi, signal: AbortSignal): Promise<void> {
    const layer = this.layer();
    if (!layer) return;
    this.page = await api.page(this.starts[this.number] ?? null, signal);
    this.starts[this.number + 1] = nextOf(this.page);
    this.drawer.classList.add("open");
    this.drawer.replaceChildren(resultTable(this.page, layer, this.number, this.sortby, {
      sort: (sortby) => {
        this.sortby = sortby;
        void this.run();
      },
      turn: (forward) => {
        this.number += forward ? 1 : -1;
        void this.trying((next) => this.fetchPage(this.api(), next));
      },
      look: (feature) => this.look(feature),
    }));
    if (this.number === 0) this.answer.replaceChildren(...this.found(this.page.numberMatched, layer));
  }

  private async drawFound(api: QueryApi, signal: AbortSignal): Promise<void> {
    const layer = this.layer();
    if (!layer || layer.geometry === "none") return;
    const title = layer.fields.find((field) => field.name === "name") ?? layer.fields[0];
    const { features } = await api.shapes(title?.name ?? null, signal);
    const marked = features.filter((one) => one.geometry).map((one) => ({
      ...one, properties: { kind: "found", message: `${text(layer.title)} ${String(one.properties?.[title?.name ?? ""] ?? one.id)}` },
    }));
    this.map.overlay("query", { type: "FeatureCollection", features: marked }, this.room());
  }

  /** What is left of the map beside the builder and above the table. */
  private room(): { top: number; bottom: number; left: number; right: number } {
    const wide = window.innerWidth > 900;
    return { top: 40, right: 40, left: wide ? this.box.offsetWidth + 50 : 40, bottom: this.drawer.offsetHeight + 60 };
  }

  private look(feature: GeoJSON.Feature): void {
    if (!feature.geometry) return;
    this.map.highlight(feature.geometry);
    const box = extent({ type: "FeatureCollection", features: [feature] });
    if (box) this.map.gl.fitBounds(box, { padding: this.room(), maxZoom: 17, duration: 500 });
  }

  private found(count: number, layer: LayerInfo): HTMLElement[] {
    const more = count > MOST_DRAWN && layer.geometry !== "none" ? ` · ${word("drawnFirst")} ${MOST_DRAWN.toLocaleString()}` : "";
    const keep = FORMATS.map((form) => button(form === "shp" ? "SHP" : form.toUpperCase(), "quiet", () => void this.keep(form)));
    return [
      element("p", { class: "query-count", role: "status" }, element("b", {}, count.toLocaleString()), ` ${word("foundFeatures")}${more}`),
      element("div", { class: "query-line keep" }, element("span", {}, word("keepAs")), ...keep),
      this.figures(layer),
    ];
  }

  private figures(layer: LayerInfo): HTMLElement {
    const regions: [string, Word][] = layer.geometry === "none" ? [] : [["region:town", "byTown"], ["region:village", "byVillage"]];
    const groups = [...regions.map(([value, name]) => option(value, word(name), this.groupBy)), ...[...layer.fields].sort((a, b) => Number(!a.codes) - Number(!b.codes)).map((field) => option(field.name, text(field.title), this.groupBy))];
    const by = element("select", { "aria-label": word("groupBy") }, option("", word("groupBy"), this.groupBy), ...groups);
    const numbers = layer.fields.filter((field) => kindOf(field) === "number");
    const sum = element("select", { "aria-label": word("sumOf") }, option("", word("count"), this.sumOf), ...numbers.map((field) => option(field.name, `${word("sumOf")} ${text(field.title)}`, this.sumOf)));
    const shown = element("div", { class: "query-figures" });
    const ask = async (): Promise<void> => {
      [this.groupBy, this.sumOf] = [by.value, sum.value];
      shown.replaceChildren(...(by.value ? [statisticsView(await this.api().statistics(by.value, sum.value))] : []));
    };
    for (const choice of [by, sum]) choice.addEventListener("change", () => void this.trying(ask));
    if (this.groupBy) ask().catch((error: unknown) => say(error instanceof Error ? error.message : String(error), "error"));
    return element("section", {}, element("h3", {}, word("statistics")), element("div", { class: "query-line" }, by, sum), shown);
  }

  private async keep(form: Format): Promise<void> {
    say(`${word("writing")} ${form}`);
    await this.trying(() => this.api().keep(form));
  }

  /** Do the newest thing asked for; what was asked before is given up. */
  private async trying(act: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.box.classList.add("busy");
    try {
      await act(signal);
    } catch (error) {
      if (!signal.aborted) say(error instanceof Error ? error.message : String(error), "error");
    } finally {
      if (!signal.aborted) this.box.classList.remove("busy");
    }
  }
}
