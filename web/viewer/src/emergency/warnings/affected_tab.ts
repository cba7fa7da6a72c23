/** What lies inside the area of a warning: counts, sums and the first of each group; what was not looked at is said. */

import { button, element } from "../../dom";
import { plainNumber } from "../../live/words";

import { problemLine, trying } from "../forms";
import type { Affected, Group, Row, Whole, WarningsApi } from "./api";
import { groupName, sumName, term } from "./words";

export class AffectedTab {
  readonly element = element("div", { class: "ew-affected" });
  private readonly problem = problemLine();
  private readonly list = element("div", { "aria-live": "polite" });
  private asked = "";

  constructor(private readonly api: WarningsApi, private readonly fly: (lon: number, lat: number) => void) {
    this.element.append(this.problem, this.list);
  }

  /** Asked for when the tab is looked at, and again once the warning has changed. */
  async opened(whole: Whole): Promise<void> {
    const version = `${whole.code} ${whole.changed_at}`;
    if (this.asked === version) return;
    this.asked = version;
    if (!whole.geometry) {
      this.list.replaceChildren(element("p", { class: "none" }, term("noAreaAffects")));
      return;
    }
    this.list.replaceChildren(element("p", { class: "none" }, term("loading")));
    const done = await trying(this.problem, async () => this.draw(await this.api.affected(whole.code)));
    if (done) return;
    this.asked = "";
    this.list.replaceChildren();
  }

  private draw(found: Affected): void {
    const groups = Object.entries(found.groups).map(([name, group]) => this.group(name, group, found));
    const missing = found.missing.map((one) => element("li", {}, `${groupName(one.group)}（${one.layer}）：${one.reason}`));
    this.list.replaceChildren(
      ...groups, ...(missing.length ? [element("section", { class: "ew-missing" }, element("b", {}, term("notLookedHint")), element("ul", {}, ...missing))] : []),
      element("p", { class: "fine" }, term("method")),
    );
  }

  private group(name: string, group: Group | null, found: Affected): HTMLElement {
    const title = element("b", {}, groupName(name));
    if (!group) return element("div", { class: "ew-group unknown", "data-group": name }, title, element("span", { class: "ew-unknown" }, term("notLooked")));
    const rows = group.items ?? [];
    const head = [title, element("span", { class: "ew-count" }, counted(name, group)), element("small", {}, sums(name, group))];
    if (!rows.length) return element("div", { class: "ew-group", "data-group": name }, ...head);
    const more = group.count > rows.length ? [element("li", { class: "none" }, `${term("more")} ${found.limit}`)] : [];
    return element("details", { class: "ew-group", "data-group": name }, element("summary", {}, ...head), element("ul", {}, ...rows.map((row) => this.row(row)), ...more));
  }

  private row(row: Row): HTMLElement {
    const label = row.name || row.key;
    const { lon, lat } = row;
    const name = lon === null || lat === null ? element("span", {}, label) : button(label, "link", () => this.fly(lon, lat));
    const people = (row.contacts ?? []).map((one) => `${one.name} ${one.phone ?? ""}`.trim()).join("；");
    return element("li", {}, name, element("small", {}, people || facts(row)));
  }
}

/** Of people the persons, of others how many. */
function counted(name: string, group: Group): string {
  if (name === "people") {
    const persons = group.sums["persons"];
    return persons === null || persons === undefined ? term("notLooked") : `${plainNumber(persons)} ${term("people")}`;
  }
  return group.count ? `${group.count} ${term("counted")}` : term("nobodyInside");
}

function sums(name: string, group: Group): string {
  const told = Object.entries(group.sums).filter(([field]) => !(name === "people" && field === "persons"));
  if (!group.count) return "";
  return told.map(([field, sum]) => `${sumName(field)} ${sum === null ? term("notLooked") : plainNumber(sum)}`).join("，");
}

function facts(row: Row): string {
  const plain = Object.entries(row).filter(([field, value]) => !["key", "name", "lon", "lat", "contacts"].includes(field) && (typeof value === "string" || typeof value === "number"));
  return plain.map(([field, value]) => (typeof value === "number" ? `${sumName(field)} ${plainNumber(value)}` : value)).join("，");
}
