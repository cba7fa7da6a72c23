/** The card of a device: what it is and belongs to, its newest values as they come, and their charts. */

import { element, button } from "../dom";
import { word, type Word } from "../i18n";
import type { AlarmRule, DeviceDocument, Result, StreamRecord } from "./api";
import { limitsOf, SeriesBox } from "./series_box";
import type { LiveStore } from "./store";
import { moment, named, plainNumber, qualityWord, term } from "./words";

export interface CardActions {
  open(code: string): void;
  building(code: string): void;
  storey(model: string, storey: string | null): void;
  element(model: string, id: string): void;
  close(): void;
}

const SCHEMES: Record<string, string> = { gb28181: "GB/T 28181", oid: "OID", ecode: "Ecode", "hj212-mn": "HJ 212 MN", sl651: "SL 651", list: "list" };

export class DeviceCard {
  readonly element: HTMLElement;
  /** Where a camera's view and picture go; null for other devices. */
  readonly camera: HTMLElement | null;
  private readonly values = new Map<number, HTMLElement>();
  private readonly state: HTMLElement;

  /** `rules` are null for those who may not see them; `beside` are the codes of all devices at the place. */
  constructor(readonly device: DeviceDocument, private readonly store: LiveStore, rules: AlarmRule[] | null, beside: string[], private readonly actions: CardActions) {
    this.state = element("span", {});
    const isCamera = device.kind === "camera" && device.aliases.some((one) => one.scheme === "gb28181");
    this.camera = isCamera ? element("div", {}, element("div", {}, element("details", { open: "" }, element("summary", {}, term("camera")), element("table")))) : null;
    const head = element("div", { class: "results-head" }, element("h2", {}, device.name), button("×", "quiet close", () => actions.close()));
    head.querySelector(".close")?.setAttribute("aria-label", word("close"));
    this.element = element(
      "div", { class: "device-card", "data-device": device.code }, head, this.beside(beside),
      element("p", { class: "device-kind" }, this.state, " ", named(store.kinds.get(device.kind), device.kind), " · ", named(store.placements.get(device.placement ?? ""), device.placement)),
      element("h3", {}, term("measured")),
      ...(device.datastreams.length ? device.datastreams.map((stream, place) => this.stream(stream, rules, place === 0)) : [element("p", { class: "none" }, term("noStreams"))]),
      this.camera, this.facts(), this.bindings(), this.family(),
    );
    this.renew();
  }

  /** Show the newest values and the state, as the store has them. */
  renew(): void {
    const state = this.store.devices.get(this.device.code)?.state ?? this.device.state;
    this.state.className = `state device-${state}`;
    this.state.textContent = term(state);
    for (const [id, place] of this.values) {
      const held = this.store.newest.get(id);
      const stream = this.device.datastreams.find((one) => one.id === id);
      const latest = held ?? (stream?.latest ? { result: stream.latest.value, quality: stream.latest.quality, at: Date.parse(stream.latest.at) } : null);
      place.replaceChildren(...told(latest, stream?.unit?.symbol ?? ""));
    }
  }

  private stream(stream: StreamRecord, rules: AlarmRule[] | null, open: boolean): HTMLElement {
    const value = element("span", { class: "newest", "data-stream": String(stream.id) });
    this.values.set(stream.id, value);
    const made = element("details", { class: "stream" }, element("summary", {}, element("span", { class: "name" }, stream.property.name), value));
    let drawn = false;
    made.addEventListener("toggle", () => {
      if (!made.open || drawn) return;
      drawn = true;
      const property = this.store.properties.find((one) => one.code === stream.property.code && one.name === stream.property.name)?.id;
      made.append(new SeriesBox(this.device.code, stream, rules && limitsOf(rules, this.device, stream, property)).element);
    });
    if (open) made.open = true;
    return made;
  }

  /** Ways to the other devices at the place. */
  private beside(codes: string[]): HTMLElement | null {
    if (codes.length < 2) return null;
    return element("p", { class: "beside" }, `${term("beside")} `, ...codes.map((code) => {
      const kind = this.store.devices.get(code)?.kind ?? "";
      const way = button(named(this.store.kinds.get(kind), kind), "way", () => this.actions.open(code));
      way.title = code;
      way.setAttribute("aria-pressed", String(code === this.device.code));
      return way;
    }));
  }

  private facts(): HTMLElement {
    const { device } = this;
    const { share } = device.uptime;
    const rows: [string, string | null][] = [
      [term("code"), device.code],
      ...device.aliases.map((one): [string, string] => [`${term("alias")} ${SCHEMES[one.scheme] ?? one.scheme}`, one.code]),
      [term("owner"), device.owner], [term("region"), device.region_name],
      [term("maker"), [device.maker, device.model_name].filter(Boolean).join(" ") || null],
      [term("installed"), device.installed_on], [term("height"), device.height_m === null ? null : `${device.height_m} m`],
      [term("uptime"), share === null ? null : `${(100 * share).toFixed(1)} %`],
      [term("newest"), device.newest_at && moment(device.newest_at)],
      [term("grade"), word(device.grade as Word)],
    ];
    return element("table", {}, ...rows.filter(([, value]) => value).map(([name, value]) => row(name, String(value))));
  }

  private bindings(): HTMLElement | null {
    const { building_code: building, model, storey, storey_number: number, space, element: part } = this.device.binding;
    const { actions } = this;
    const rows = [
      building ? row(term("building"), button(building, "link", () => actions.building(building))) : null,
      storey || number !== undefined ? row(term("storey"), element("span", {}, number === undefined ? "" : `${number} `, model ? button(term("inScene"), "link", () => actions.storey(model, storey ?? null)) : "")) : null,
      space ? row(term("space"), space) : null,
      part && model ? row(term("element"), button(part, "link", () => actions.element(model, part))) : null,
    ];
    return rows.some(Boolean) ? element("div", {}, element("h3", {}, term("binding")), element("table", {}, ...rows)) : null;
  }

  private family(): HTMLElement | null {
    const { parent, children } = this.device;
    if (!parent && !children.length) return null;
    const link = (code: string, name: string): HTMLElement => button(name, "link", () => this.actions.open(code));
    const rows = [
      parent ? row(term("parent"), link(parent, parent)) : null,
      ...children.map((one) => row(`${term("children")} · ${named(this.store.kinds.get(one.kind), one.kind)}`, element("span", {}, link(one.code, one.name), element("span", { class: `state device-${one.state}` }, term(one.state))))),
    ];
    return element("table", { class: "family" }, ...rows);
  }
}

function row(name: string, value: Node | string): HTMLElement {
  return element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value));
}

function told(latest: { result: Result; quality: string; at: number } | null, unit: string): Node[] {
  if (!latest) return [element("small", {}, term("neverHeard"))];
  const { result, quality, at } = latest;
  const value = typeof result === "number" ? plainNumber(result) : typeof result === "object" ? JSON.stringify(result) : String(result);
  const flag = quality === "N" ? null : element("span", { class: "state flagged" }, qualityWord(quality));
  return [element("b", {}, value), element("span", {}, ` ${unit} `), ...(flag ? [flag] : []), element("small", { title: qualityWord(quality) }, moment(new Date(at)))];
}
