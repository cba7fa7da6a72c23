/** The conditions above the table of devices, as `/devices` takes them. */

import { element } from "../dom";
import { codeOf, type LiveStore } from "./store";
import { named, term } from "./words";

export type Where = "inMap" | "inArea" | "everywhere";

export class TableFilters {
  readonly element = element("div", { class: "live-filters" });
  private readonly where = element("select", { class: "where", "aria-label": term("region") });
  private readonly placement = element("select", { class: "by-placement", "aria-label": term("placement") });
  private readonly kind = element("select", { class: "by-kind", "aria-label": term("kind") });
  private readonly state = element("select", { class: "by-state", "aria-label": term("state") });
  private readonly property = element("select", { class: "by-property", "aria-label": term("indicator") });
  private readonly over = element("input", { class: "by-value", type: "number", step: "any", placeholder: term("valueOver"), "aria-label": term("valueOver") });
  private readonly storey = element("input", { class: "by-storey", type: "number", placeholder: term("storeyNumber"), "aria-label": term("storeyNumber") });
  private readonly text = element("input", { class: "by-text", type: "search", placeholder: term("find"), "aria-label": term("find"), maxlength: "100" });

  /** `drawArea` is told when an area is to be drawn; `changed` when other devices are asked for. */
  constructor(store: LiveStore, indicator: string, drawArea: () => void, private readonly changed: () => void) {
    options(this.where, (["inMap", "inArea", "everywhere"] as const).map((one) => [one, term(one)]));
    options(this.placement, [["", `${term("placement")}：${term("allOf")}`], ...[...store.placements.values()].map((one): [string, string] => [one.code, named(one, one.code)])]);
    const kinds = new Set([...store.devices.values()].map((device) => device.kind));
    options(this.kind, [["", `${term("kind")}：${term("allOf")}`], ...[...kinds].map((one): [string, string] => [one, named(store.kinds.get(one), one)])]);
    options(this.state, [["", `${term("state")}：${term("allOf")}`], ...(["online", "offline", "none"] as const).map((one): [string, string] => [one, term(one)])]);
    options(this.property, [["", `${term("measured")}：${term("allOf")}`], ...store.properties.map((one): [string, string] => [codeOf(one), one.name])]);
    this.property.value = indicator;
    for (const one of [this.placement, this.kind, this.state, this.property]) one.addEventListener("change", changed);
    for (const one of [this.over, this.storey, this.text]) one.addEventListener("change", changed);
    this.where.addEventListener("change", () => (this.where.value === "inArea" ? drawArea() : changed()));
    this.element.append(this.where, this.placement, this.kind, this.state, this.property, this.over, this.storey, this.text);
  }

  get indicator(): string | null {
    return this.property.value || null;
  }

  get place(): Where {
    return this.where.value as Where;
  }

  set place(where: Where) {
    this.where.value = where;
    this.changed();
  }

  /** What is asked of the server besides the place; a text where it cannot be asked. */
  get conditions(): Record<string, string | number> | string {
    const found: Record<string, string | number> = {};
    const plain = { placement: this.placement.value, kind: this.kind.value, state: this.state.value, property: this.property.value, q: this.text.value.trim() };
    for (const [name, value] of Object.entries(plain)) if (value) found[name] = value;
    if (this.storey.value) found["storey_number"] = Number(this.storey.value);
    if (!this.over.value) return found;
    if (!this.property.value) return term("overNeeds");
    return { ...found, at_least: Number(this.over.value), window: "1h", on: "any" };
  }
}

function options(select: HTMLSelectElement, choices: [string, string][]): void {
  select.replaceChildren(...choices.map(([value, label]) => element("option", { value }, label)));
}
