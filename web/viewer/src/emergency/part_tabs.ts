/** The two parts of the emergency panel: incidents and warnings, each with how many are open or in force. */

import { button, element } from "../dom";
import { term } from "./words";
import { term as warningTerm } from "./warnings/words";

export type PartName = "incidents" | "warnings";

export class PartTabs {
  readonly element = element("div", { class: "tabs em-parts", role: "tablist" });
  private readonly tabs: Record<PartName, HTMLButtonElement>;
  private readonly counts: Record<PartName, HTMLElement> = { incidents: element("span", { class: "count" }), warnings: element("span", { class: "count" }) };
  private current: PartName = "incidents";

  constructor(choose: (name: PartName) => void) {
    this.tabs = { incidents: button(term("incidents"), "tab", () => choose("incidents")), warnings: button(warningTerm("warnings"), "tab", () => choose("warnings")) };
    for (const [name, tab] of Object.entries(this.tabs) as [PartName, HTMLButtonElement][]) {
      tab.setAttribute("role", "tab");
      tab.dataset["part"] = name;
      tab.append(this.counts[name]);
    }
    this.element.append(this.tabs.incidents, this.tabs.warnings);
    this.chosen = "incidents";
  }

  get chosen(): PartName {
    return this.current;
  }
  set chosen(name: PartName) {
    this.current = name;
    for (const [one, tab] of Object.entries(this.tabs)) tab.setAttribute("aria-selected", String(one === name));
  }

  /** How many real incidents are open, and real warnings in force. */
  tell(incidents: number, warnings: number): void {
    this.counts.incidents.textContent = incidents ? String(incidents) : "";
    this.counts.warnings.textContent = warnings ? String(warnings) : "";
  }
}
