/** The table of devices in the drawer: what the map shows, a drawn area or everything, with the last day as small lines. */

import type { Map as GlMap } from "maplibre-gl";
import { keepFile } from "../api";
import { button, element, say } from "../dom";
import { Drawing, showDrawing } from "../draw";
import { word } from "../i18n";
import { findDevices, trendsOf, type DeviceRecord, type Trend } from "./api";
import { sparkline } from "./sparkline";
import type { LiveStore } from "./store";
import { TableFilters } from "./table_filters";
import { moment, named, plainNumber, term, type LiveTerm } from "./words";

const ROWS_A_PAGE = 200;
const SETTLED_MS = 400;
const COLUMNS = ["name", "kind", "placement", "owner", "state", "indicator", "value", "at", "trend"] as const satisfies LiveTerm[];
type Column = (typeof COLUMNS)[number];
/** What the server sorts by. */
const SORTED_BY: ReadonlySet<Column> = new Set(["name", "owner", "state", "value", "at"]);

interface Row {
  device: DeviceRecord;
  trend: Trend | null;
}
export interface TableActions {
  device(code: string, fly: boolean): void;
  /** The indicator the map is coloured by, empty for none. */
  indicator(): string;
  csrf: string | null;
}

export class DeviceTable {
  private filters: TableFilters | null = null;
  private readonly count = element("span", { class: "live-count" });
  private readonly place = element("div", { class: "scroll" });
  private rows: Row[] = [];
  private matched = 0;
  private after: string | null = null;
  private sorted: { column: Column; down: boolean } = { column: "name", down: false };
  private drawing: Drawing | null = null;
  private area: GeoJSON.Polygon | null = null;
  private asked = 0;
  private timer = 0;

  constructor(private readonly box: HTMLElement, private readonly map: GlMap, private readonly store: LiveStore, private readonly actions: TableActions) {
    map.on("moveend", () => this.moved());
  }

  get isOpen(): boolean {
    return this.box.classList.contains("open");
  }

  /** Whether clicks on the map draw an area. */
  get drawingArea(): boolean {
    return this.drawing !== null;
  }

  toggle(open = !this.isOpen): void {
    this.box.classList.toggle("open", open);
    this.drawing?.cancel();
    if (!open) {
      showDrawing(this.map, []);
      return;
    }
    this.filters = new TableFilters(this.store, this.actions.indicator(), () => this.draw(), () => void this.load());
    const close = button("×", "quiet close", () => this.toggle(false));
    close.setAttribute("aria-label", word("close"));
    const head = element("div", { class: "live-table-head" }, element("b", {}, term("table")), this.count, element("span", { class: "spring" }), button(term("csv"), "link", () => this.save()), close);
    this.box.replaceChildren(head, this.filters.element, this.place);
    void this.load();
  }

  /** Write the newest values into the rows that are there. */
  renew(): void {
    if (!this.isOpen) return;
    for (const row of this.rows) {
      const cell = this.place.querySelector<HTMLElement>(`tr[data-device="${CSS.escape(row.device.code)}"]`);
      if (!cell) continue;
      for (const column of ["state", "value", "at"] as const) {
        const held = cell.querySelector(`.col-${column}`);
        const text = this.text(row, column);
        if (held && held.textContent !== text) held.textContent = text;
      }
    }
  }

  private moved(): void {
    if (!this.isOpen || this.filters?.place !== "inMap") return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.load(), SETTLED_MS);
  }

  private draw(): void {
    this.drawing?.cancel();
    say(word("drawHint"));
    this.drawing = new Drawing(this.map, "area", (drawn) => {
      setTimeout(() => {
        this.drawing = null;
      });
      this.area = drawn?.type === "Polygon" ? drawn : null;
      if (this.filters) this.filters.place = this.area ? "inArea" : "inMap";
    });
  }

  /** Ask for the first page, or for the one after those that are shown. */
  private async load(more = false): Promise<void> {
    const { filters } = this;
    if (!filters) return;
    const mine = ++this.asked;
    const conditions = filters.conditions;
    if (typeof conditions === "string") {
      this.tell(conditions);
      return;
    }
    if (filters.place !== "inArea") showDrawing(this.map, []);
    const sortby = `${this.sorted.down ? "-" : ""}${this.sorted.column}`;
    try {
      const found = await findDevices({ ...conditions, ...this.where(), sortby, limit: ROWS_A_PAGE, after: more ? this.after : null }, this.actions.csrf);
      const codes = found.devices.map((one) => one.code);
      const trends = codes.length ? await trendsOf(codes, filters.indicator) : {};
      if (mine !== this.asked) return;
      const rows = found.devices.map((device) => ({ device, trend: trends[device.code] ?? null }));
      this.rows = more ? [...this.rows, ...rows] : rows;
      this.matched = found.numberMatched;
      this.after = found.after;
      this.fill();
      if (!more) this.place.scrollTop = 0;
    } catch (error) {
      if (mine === this.asked) this.tell(error instanceof Error ? error.message : String(error));
    }
  }

  private where(): Record<string, unknown> {
    if (this.filters?.place === "inArea" && this.area) return { polygon: this.area };
    if (this.filters?.place === "everywhere") return {};
    const bounds = this.map.getBounds();
    return { bbox: [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((one) => one.toFixed(6)).join(",") };
  }

  private tell(text: string): void {
    this.rows = [];
    this.count.textContent = "";
    this.place.replaceChildren(element("p", { class: "caution" }, text));
  }

  private fill(): void {
    this.count.textContent = `${term("shown")} ${plainNumber(this.rows.length)} / ${plainNumber(this.matched)} ${term("devicesUnit")}`;
    if (!this.rows.length) {
      this.place.replaceChildren(element("p", { class: "none" }, term("noneMatch")));
      return;
    }
    const heads = COLUMNS.map((column) => {
      const mark = this.sorted.column === column ? (this.sorted.down ? " ▾" : " ▴") : "";
      const head = element("th", { scope: "col" }, SORTED_BY.has(column) ? button(`${term(column)}${mark}`, "link", () => this.sort(column)) : term(column === "indicator" ? "measured" : column));
      if (mark) head.setAttribute("aria-sort", this.sorted.down ? "descending" : "ascending");
      return head;
    });
    this.place.replaceChildren(element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...this.rows.map((row) => this.line(row)))), ...(this.after ? [this.more()] : []));
  }

  private more(): HTMLElement {
    const rest = Math.min(ROWS_A_PAGE, this.matched - this.rows.length);
    return button(`${term("showMore")} ${plainNumber(rest)} ${term("devicesUnit")}`, "link more", () => void this.load(true));
  }

  private line(row: Row): HTMLElement {
    const made = element("tr", { "data-device": row.device.code, tabindex: "0" }, ...COLUMNS.map((column) => {
      if (column === "trend") return element("td", {}, row.trend ? (sparkline(row.trend.mean) as unknown as HTMLElement) : "");
      return element("td", { class: `col-${column}${column === "value" ? " number" : ""}` }, this.text(row, column));
    }));
    made.addEventListener("click", () => this.actions.device(row.device.code, true));
    made.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.actions.device(row.device.code, true);
    });
    return made;
  }

  private sort(column: Column): void {
    this.sorted = { column, down: this.sorted.column === column ? !this.sorted.down : column === "value" || column === "at" };
    void this.load();
  }

  private newest(row: Row): { value: number; at: number } | null {
    const held = row.trend && this.store.newest.get(row.trend.datastream);
    return held && typeof held.result === "number" ? { value: held.result, at: held.at } : null;
  }

  private text({ device, trend }: Row, column: Column): string {
    const newest = this.newest({ device, trend });
    switch (column) {
      case "kind": return named(this.store.kinds.get(device.kind), device.kind);
      case "placement": return named(this.store.placements.get(device.placement ?? ""), device.placement);
      case "state": return term(this.store.devices.get(device.code)?.state ?? device.state);
      case "indicator": return trend?.name ?? "";
      case "value": return newest ? `${plainNumber(newest.value)} ${trend?.unit ?? ""}`.trim() : "–";
      case "at": return newest ? moment(new Date(newest.at)) : "–";
      case "trend": return "";
      default: return device[column] ?? "";
    }
  }

  /** What the table shows, in its order, for a spreadsheet; a text that would be run as a formula gets an apostrophe. */
  private save(): void {
    const columns = COLUMNS.filter((column) => column !== "trend");
    const cell = (text: string): string => `"${(/^[=+\-@\t\r](?!\d)/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
    const lines = this.rows.map((row) => [row.device.code, ...columns.map((column) => (column === "value" ? String(this.newest(row)?.value ?? "") : this.text(row, column))), row.trend?.unit ?? ""]);
    const head = [term("code"), ...columns.map((column) => term(column)), "unit"];
    keepFile(new Blob([`\uFEFF${[head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`], { type: "text/csv" }), "devices.csv");
  }
}
