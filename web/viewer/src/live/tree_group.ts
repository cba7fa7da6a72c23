/** The group of the live city in the layer tree: its switch, the placements, what colours mean, and the ways to its panels. */

import { button, element } from "../dom";
import type { ObservedProperty } from "./api";
import { STATE_COLOURS, type Looks } from "./looks";
import { codeOf, type LiveStore } from "./store";
import { named, term, type LiveTerm } from "./words";

export interface GroupActions {
  switch(on: boolean): void;
  placement(code: string, on: boolean): void;
  indicator(code: string): void;
  table(): void;
  alarms(): void;
  past(): void;
}

export class TreeGroup {
  readonly element: HTMLDetailsElement;
  private readonly count = element("span", { class: "count" });
  private readonly body = element("div", { class: "live-body" });
  private readonly status = element("p", { class: "live-status", role: "status" });
  /** The indicator the legend was drawn for; somebody who chooses is not disturbed. */
  private drawnFor: ObservedProperty | null = null;
  private readonly tick = element("input", { type: "checkbox", class: "live-switch" });

  constructor(private readonly store: LiveStore, private readonly looks: Looks, private readonly actions: GroupActions, private readonly anonymous: boolean) {
    this.tick.addEventListener("change", () => actions.switch(this.tick.checked));
    this.element = element(
      "details", { class: "theme live", "data-theme": "live" },
      element("summary", {}, `${term("live")} `, element("small", {}, "LIVE"), this.count),
      element("div", { class: "layer" }, element("label", {}, this.tick, element("span", { class: "name" }, term("switchOn")))),
      this.status, this.body,
    );
  }

  /** Draw it as things are: switched on or off, with the counts of devices. */
  draw(on: boolean): void {
    this.tick.checked = on;
    if (on) this.element.open = true;
    const { devices } = this.store;
    this.count.textContent = on ? String(devices.size) : "";
    this.body.toggleAttribute("hidden", !on);
    if (!on) {
      this.status.textContent = "";
      return;
    }
    if (document.activeElement instanceof HTMLSelectElement && this.body.contains(document.activeElement) && !this.body.hidden && this.drawnFor === this.looks.indicator) return;
    this.drawnFor = this.looks.indicator;
    if (!devices.size) {
      this.body.replaceChildren(element("p", { class: "none" }, term("noDevices"), this.anonymous ? ` · ${term("anonymousSees")}` : ""));
      return;
    }
    this.body.replaceChildren(
      this.ways(), this.chooser(), this.legend(), ...this.placements(),
      ...(this.anonymous ? [element("p", { class: "fine" }, term("anonymousSees"))] : []),
    );
  }

  /** Say how the connection stands. */
  say(text: string, kind: "open" | "lost" | "connecting" | "paused"): void {
    this.status.textContent = text;
    this.status.dataset["state"] = kind;
  }

  private ways(): HTMLElement {
    return element(
      "div", { class: "live-ways" }, button(term("table"), "way to-table", () => this.actions.table()),
      button(term("alarms"), "way to-alarms", () => this.actions.alarms()), button(term("past"), "way to-past", () => this.actions.past()),
    );
  }

  private chooser(): HTMLElement {
    const options = this.store.properties.map((one) => element("option", { value: codeOf(one) }, `${one.name}${one.unit ? ` (${one.unit})` : ""} · ${one.devices}`));
    const choice = element("select", { "aria-label": term("indicator") }, element("option", { value: "" }, term("byState")), ...options);
    choice.value = this.looks.indicator ? codeOf(this.looks.indicator) : "";
    choice.addEventListener("change", () => this.actions.indicator(choice.value));
    return element("label", { class: "fade" }, term("indicator"), choice);
  }

  private legend(): HTMLElement {
    const { scale } = this.looks;
    const entries: [string, string][] = scale
      ? [...scale.steps.map((step): [string, string] => [step.label, step.colour]), [term("stale"), STATE_COLOURS.offline]]
      : (["online", "offline", "none"] as const).map((state): [string, string] => [term(state), STATE_COLOURS[state]]);
    const list = element("ul", { class: `legend ${scale ? "values" : ""}` }, ...entries.map(([label, colour]) => {
      const swatch = element("i", { class: "swatch circle", "aria-hidden": "true" });
      swatch.style.background = colour;
      return element("li", {}, swatch, label);
    }));
    return element("div", {}, list, element("p", { class: "fine" }, term(scale ? "worstInCluster" : "clusterState")));
  }

  private placements(): HTMLElement[] {
    const counts = new Map<string, { all: number; offline: number }>();
    for (const device of this.store.devices.values()) {
      const held = counts.get(device.placement ?? "") ?? { all: 0, offline: 0 };
      held.all += 1;
      if (device.state === "offline") held.offline += 1;
      counts.set(device.placement ?? "", held);
    }
    const order = [...this.store.placements.keys(), ""];
    return [...counts].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)).map(([code, { all, offline }]) => {
      const tick = element("input", { type: "checkbox", ...(this.looks.hidden.has(code) ? {} : { checked: "" }) });
      tick.addEventListener("change", () => this.actions.placement(code, tick.checked));
      const name = code ? named(this.store.placements.get(code), code) : term("noPlacement");
      const away = offline ? element("span", { class: "away" }, `${offline} ${term("offline" as LiveTerm)}`) : null;
      return element("div", { class: "layer placement", "data-placement": code }, element("label", {}, tick, element("span", { class: "name" }, name), away, element("span", { class: "count" }, String(all))));
    });
  }
}
