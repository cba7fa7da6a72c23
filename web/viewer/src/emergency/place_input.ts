/** Where an incident is: clicked on the map, found by its address, or by coordinates as they were told. */

import { Problem } from "../api";
import { button, element } from "../dom";
import type { CityMap } from "../map";
import type { Addressed, EmergencyApi, Place } from "./api";
import { askLine, problemLine, trying } from "./forms";
import type { DrawShape, Underway } from "./marks/drawing";
import { term, type Term } from "./words";

const NEAR_ZOOM = 15;
const ZONE_105 = "EPSG:4544";
const LEAST_NORTHING_M = 1_000_000;
const DEGREES_DIGITS = 6;

export class PlaceInput {
  readonly element = element("fieldset", { class: "em-place" });
  private readonly told = element("p", { class: "em-placed", role: "status" }, term("noPlace"));
  private readonly ways = new Map<Term, HTMLElement>();
  private readonly tabs = new Map<Term, HTMLButtonElement>();
  private readonly anyway = element("input", { type: "checkbox", name: "outside" });
  private readonly outsideLine = element("label", { class: "em-tick em-outside", hidden: "" }, this.anyway, term("outsideAnyway"));
  private picked: Underway | null = null;
  private place: Place | null = null;

  constructor(private readonly api: EmergencyApi, private readonly map: CityMap, private readonly draw: DrawShape) {
    this.ways.set("byMap", this.mapWay());
    this.ways.set("byAddress", this.addressWay());
    this.ways.set("byCoordinates", this.coordinatesWay());
    for (const name of this.ways.keys()) {
      const tab = button(term(name), "tab", () => this.choose(name));
      tab.setAttribute("role", "tab");
      this.tabs.set(name, tab);
    }
    this.element.append(element("legend", {}, term("place")), element("div", { class: "tabs", role: "tablist" }, ...this.tabs.values()), ...this.ways.values(), this.told, this.outsideLine);
    this.choose("byMap");
  }

  get value(): Place | null {
    return this.place;
  }
  get outside(): boolean {
    return this.anyway.checked;
  }
  /** Whether the next click on the map is ours. */
  get busy(): boolean {
    return this.picked !== null;
  }

  /** The server says that the place is outside the county: ask whether it is meant. */
  askOutside(): void {
    this.outsideLine.hidden = false;
  }

  /** Take a place that is known already. */
  put(lon: number, lat: number): void {
    this.take({ lon, lat }, degrees(lon, lat), lon, lat, true);
  }

  end(): void {
    this.picked?.cancel();
    this.map.sketch({ type: "FeatureCollection", features: [] });
    this.map.highlight(null);
  }

  private choose(name: Term): void {
    this.picked?.cancel();
    for (const [one, way] of this.ways) way.hidden = one !== name;
    for (const [one, tab] of this.tabs) tab.setAttribute("aria-selected", String(one === name));
  }

  private mapWay(): HTMLElement {
    const start = button(term("pick"), "deed pick-place", () => {
      if (this.picked) {
        this.picked.cancel();
        return;
      }
      start.setAttribute("aria-pressed", "true");
      start.textContent = term("picking");
      this.picked = this.draw("point", ({ coordinates }) => {
        const [lon, lat] = coordinates as [number, number];
        this.take({ lon, lat }, degrees(lon, lat), lon, lat);
      }, () => {
        this.picked = null;
        start.setAttribute("aria-pressed", "false");
        start.textContent = term(this.place ? "pickAgain" : "pick");
      });
    });
    return element("div", { class: "em-way" }, start);
  }

  private addressWay(): HTMLElement {
    const input = element("input", { type: "search", placeholder: term("addressHint"), "aria-label": term("byAddress"), maxlength: "200" });
    const problem = problemLine();
    const list = element("ul", { class: "em-found" });
    const line = askLine(input, term("find"), () => void trying(problem, async () => {
      list.replaceChildren();
      if (!input.value.trim()) return;
      const found = await this.api.geocode(input.value.trim());
      if (found.grade === "none" || found.lon === null || found.lat === null) throw new Problem(term("notFound"));
      if (!found.ambiguous) this.take({ address: input.value.trim() }, `${found.address ?? input.value}　${degrees(found.lon, found.lat)}`, found.lon, found.lat, true);
      else list.replaceChildren(element("li", {}, term("several")), ...[found, ...found.alternatives].map((one) => this.candidate(one, list)));
    }));
    return element("div", { class: "em-way" }, line, list, problem);
  }

  private candidate(one: Addressed, list: HTMLElement): HTMLElement {
    const [lon, lat] = [one.lon ?? 0, one.lat ?? 0];
    return element("li", {}, button(one.address ?? degrees(lon, lat), "link", () => {
      this.take({ lon, lat }, `${one.address ?? ""}　${degrees(lon, lat)}`, lon, lat, true);
      list.replaceChildren();
    }));
  }

  private coordinatesWay(): HTMLElement {
    const input = element("input", { "aria-label": term("byCoordinates"), maxlength: "100", name: "coordinates" });
    const datum = element(
      "select", { "aria-label": term("datum") }, element("option", { value: "CGCS2000" }, term("ours")),
      element("option", { value: "GCJ-02" }, term("gcj")), element("option", { value: "BD-09" }, term("bd")),
    );
    const problem = problemLine();
    const line = askLine(input, term("takePlace"), () => void trying(problem, async () => {
      const place = placeOf(input.value, datum.value);
      if (!place) throw new Problem(term("noCoordinates"));
      const [lon, lat] = [place.lon, place.lat];
      if (lon !== undefined && lat !== undefined) this.take(place, `${input.value.trim()}（${datum.selectedOptions[0]?.textContent ?? ""}）`, lon, lat, true);
      else this.take(place, input.value.trim(), null, null);
    }));
    return element("div", { class: "em-way" }, line, datum, element("small", {}, term("coordinatesHint")), problem);
  }

  private take(place: Place, words: string, lon: number | null, lat: number | null, fly = false): void {
    this.place = place;
    this.anyway.checked = false;
    this.outsideLine.hidden = true;
    this.told.textContent = `✓ ${words}`;
    this.told.classList.add("given");
    this.element.dispatchEvent(new Event("placed"));
    if (lon === null || lat === null) {
      this.map.highlight(null);
      return;
    }
    this.map.highlight({ type: "Point", coordinates: [lon, lat] });
    if (fly) this.map.gl.flyTo({ center: [lon, lat], zoom: Math.max(this.map.gl.getZoom(), NEAR_ZOOM) });
  }
}

export function degrees(lon: number, lat: number): string {
  return `${lon.toFixed(DEGREES_DIGITS)}°, ${lat.toFixed(DEGREES_DIGITS)}°`;
}

/** What was written as a place: degrees, metres of the county's zone (X northing first, as surveyors write), or words that the server reads. */
export function placeOf(written: string, datum: string): Place | null {
  const text = written.trim();
  if (!text) return null;
  const pair = /^(-?\d+(?:\.\d+)?)[\s,，;；]+(-?\d+(?:\.\d+)?)$/.exec(text);
  if (!pair) return /\d/.test(text) ? { text } : null;
  const [first, second] = [Number(pair[1]), Number(pair[2])];
  if (Math.max(first, second) > LEAST_NORTHING_M) return { northing: Math.max(first, second), easting: Math.min(first, second), crs: ZONE_105 };
  return first >= second ? { lon: first, lat: second, datum } : { lon: second, lat: first, datum };
}
