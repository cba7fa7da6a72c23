/** Regions by name: towns to tick, and codes of others. */

import { Problem } from "../../api";
import { element } from "../../dom";
import type { Region, WarningsApi } from "./api";
import { term } from "./words";

const CODE = /^\d{6}(\d{3}){0,2}$/;

export class RegionsInput {
  readonly element = element("div", { class: "em-way ew-regions" });
  private readonly list = element("div", { class: "ew-towns" }, element("small", {}, term("loading")));
  private readonly others = element("input", { name: "geocodes", maxlength: "2000", placeholder: term("otherCodes"), "aria-label": term("otherCodes") });
  private readonly ticked = new Map<string, Region>();
  private asked = false;

  constructor(private readonly api: WarningsApi, private readonly changed: () => void) {
    this.others.addEventListener("change", changed);
    this.element.append(this.list, this.others);
  }

  /** Asked for when they are first wanted. */
  async opened(): Promise<void> {
    if (this.asked) return;
    this.asked = true;
    try {
      const towns = await this.api.towns();
      this.list.replaceChildren(...towns.sort((a, b) => a.code.localeCompare(b.code)).map((one) => this.tick(one)));
    } catch {
      this.asked = false;
      this.list.replaceChildren(element("small", {}, term("noTowns")));
    }
  }

  get count(): number {
    return this.ticked.size + this.written().length;
  }

  /** Codes of what is ticked and written; Problem names what is none. */
  codes(): string[] {
    const wrong = this.written().find((one) => !CODE.test(one));
    if (wrong !== undefined) throw new Problem(`“${wrong}” ${term("badCodes")}`, "area");
    return [...new Set([...this.ticked.keys(), ...this.written()])];
  }

  shapes(): GeoJSON.Geometry[] {
    return [...this.ticked.values()].map((one) => one.geometry);
  }

  private written(): string[] {
    return this.others.value.split(/[\s,，、;；]+/).filter(Boolean);
  }

  private tick(region: Region): HTMLElement {
    const box = element("input", { type: "checkbox", value: region.code });
    box.addEventListener("change", () => {
      if (box.checked) this.ticked.set(region.code, region);
      else this.ticked.delete(region.code);
      this.changed();
    });
    return element("label", { class: "em-tick" }, box, region.name);
  }
}
