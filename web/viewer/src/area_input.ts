/** An area to be analysed: a file handed in, parcels drawn, GeoJSON pasted, or one that is offered; checked by the server at once. */

import { Problem } from "./api";
import type { AnalysisApi, RedLine } from "./analysis_api";
import { button, element } from "./dom";
import { areaText, figure } from "./figures";
import { current } from "./i18n";
import { NOTHING } from "./overlays";
import { ParcelDrawing } from "./review_draw";
import type { WorkMap } from "./work_map";
import { problemView } from "./work_page";
import { term, type Term } from "./work_words";

/** An area that the page knows of already. */
export interface OfferedArea {
  name: string;
  shape: GeoJSON.Polygon | GeoJSON.MultiPolygon;
}

export class AreaInput {
  readonly element = element("div", { class: "area-input" });
  private readonly found = element("div", { class: "area-found", "aria-live": "polite" });
  private readonly ways = new Map<Term, HTMLElement>();
  private readonly tabs = new Map<Term, HTMLButtonElement>();
  private drawing: ParcelDrawing | null = null;
  private chosen: unknown = null;
  private kept: string | null = null;
  private asked = 0;

  constructor(
    private readonly api: AnalysisApi, private readonly map: WorkMap | null, private readonly changed: () => void = () => undefined,
    offered: readonly OfferedArea[] = [],
  ) {
    if (offered.length) this.ways.set("byIncident", this.offeredPlace(offered));
    this.ways.set("byFile", this.identified ? this.filePlace() : element("p", { class: "caution" }, term("loginForFile")));
    if (map) this.ways.set("byDrawing", this.drawPlace(map));
    this.ways.set("byPaste", this.pastePlace());
    for (const name of this.ways.keys()) {
      const tab = button(term(name), "tab", () => this.choose(name));
      tab.setAttribute("role", "tab");
      this.tabs.set(name, tab);
    }
    this.element.append(element("div", { class: "tabs", role: "tablist" }, ...this.tabs.values()), ...this.ways.values(), this.found);
    this.choose(offered.length ? "byIncident" : "byFile");
  }

  /** The id of a red line, or GeoJSON for who is not logged in; null while there is none. */
  get value(): unknown {
    return this.chosen;
  }

  private get identified(): boolean {
    return this.api.session.role !== "anonymous";
  }

  private choose(name: Term): void {
    if (name !== "byDrawing") this.drawing?.cancel();
    for (const [one, way] of this.ways) way.toggleAttribute("hidden", one !== name);
    for (const [one, tab] of this.tabs) tab.setAttribute("aria-selected", String(one === name));
  }

  private filePlace(): HTMLElement {
    const crs = element("input", { class: "crs", placeholder: "EPSG:4523", "aria-label": term("crsOfFile") });
    const input = element("input", { type: "file", multiple: "", "aria-label": term("dropRedLine") });
    const place = element("label", { class: "drop" }, element("b", {}, term("dropRedLine")), element("small", {}, term("dropKinds")), input);
    const take = (files: File[]): void => {
      if (!files.length) return;
      this.drawing?.clear();
      void this.take(() => this.api.redLineOfFiles(files, crs.value.trim()), `${term("reading")} ${files.map((one) => one.name).join(", ")}`);
    };
    input.addEventListener("change", () => {
      take([...(input.files ?? [])]);
      input.value = "";
    });
    for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
      place.addEventListener(kind, (event) => {
        event.preventDefault();
        place.classList.toggle("over", kind === "dragenter" || kind === "dragover");
        if (event instanceof DragEvent && kind === "drop") take([...(event.dataTransfer?.files ?? [])]);
      });
    }
    return element("div", { class: "way" }, place, element("label", { class: "field" }, term("crsOfFile"), crs));
  }

  private drawPlace(map: WorkMap): HTMLElement {
    const state = element("span", { class: "drawn", role: "status" });
    const drawing = new ParcelDrawing(map, (corners, parcels) => {
      state.textContent = `${term("parcels")} ${parcels}　${term("points")} ${corners}`;
    }, (drawn) => void this.takeGeoJson(drawn));
    this.drawing = drawing;
    return element(
      "div", { class: "way" }, element("p", { class: "hint" }, term("drawHint")),
      element("div", { class: "row" },
        button(term("draw"), "main", () => drawing.begin()), button(term("finish"), "plain-button", () => drawing.finish()),
        button(term("pointBack"), "plain-button", () => drawing.back()),
        button(term("clear"), "plain-button", () => {
          drawing.clear();
          this.forget();
        }), state),
    );
  }

  private offeredPlace(offered: readonly OfferedArea[]): HTMLElement {
    const uses = offered.map(({ name, shape }) => {
      const use = button(name, "plain-button", () => {
        this.drawing?.clear();
        for (const one of uses) one.setAttribute("aria-pressed", String(one === use));
        void this.takeGeoJson(shape);
      });
      return use;
    });
    return element("div", { class: "way offered-areas row" }, ...uses);
  }

  private pastePlace(): HTMLElement {
    const text = element("textarea", { rows: "5", spellcheck: "false", "aria-label": term("byPaste"), placeholder: '{"type":"Polygon","coordinates":[[[103.94,30.98],…]]}' });
    const use = button(term("use"), "main", () => {
      this.drawing?.clear();
      let pasted: unknown;
      try {
        pasted = JSON.parse(text.value);
      } catch {
        this.refused(new Problem(term("notJson"), "", term("notJsonRemedy")));
        return;
      }
      void this.takeGeoJson(pasted);
    });
    return element("div", { class: "way" }, element("p", { class: "hint" }, term("pasteHint")), text, element("div", { class: "row" }, use));
  }

  private async takeGeoJson(given: unknown): Promise<void> {
    if (this.identified) await this.take(() => this.api.redLineOf(given), term("checking"));
    else {
      this.chosen = given;
      const seen = shapesOf(given);
      this.found.replaceChildren(element("p", {}, `${term("parcels")} ${seen.features.length}`));
      this.map?.showRedLine(seen);
      this.changed();
    }
  }

  /** Have the server read an area; an answer that comes after a newer wish is let go. */
  private async take(read: () => Promise<RedLine>, told: string): Promise<void> {
    const mine = ++this.asked;
    this.forget();
    this.found.replaceChildren(element("p", { role: "status" }, told), element("progress", {}));
    try {
      const line = await read();
      if (mine !== this.asked) return void this.api.forgetRedLine(line.id).catch(() => undefined);
      this.chosen = this.kept = line.id;
      this.found.replaceChildren(redLineView(line));
      this.map?.showRedLine(line.geojson);
      this.changed();
    } catch (error) {
      if (mine === this.asked) this.refused(error);
    }
  }

  private refused(error: unknown): void {
    this.forget();
    this.found.replaceChildren(problemView(error));
  }

  private forget(): void {
    if (this.kept) void this.api.forgetRedLine(this.kept).catch(() => undefined);
    this.kept = this.chosen = null;
    this.found.replaceChildren();
    this.map?.showRedLine(NOTHING);
    this.changed();
  }
}

function shapesOf(given: unknown): GeoJSON.FeatureCollection {
  const value = given as GeoJSON.GeoJSON | null;
  if (value?.type === "FeatureCollection" && Array.isArray(value.features)) return value;
  if (value?.type === "Feature") return { type: "FeatureCollection", features: [value] };
  if (value?.type === "Polygon" || value?.type === "MultiPolygon") {
    return { type: "FeatureCollection", features: [{ type: "Feature", properties: {}, geometry: value }] };
  }
  return NOTHING;
}

/** What was read: system and how it was known, parcels with declared and computed areas, what was noted. */
export function redLineView(line: RedLine): HTMLElement {
  const declared = line.parcels.some((one) => one.declared_m2 !== null);
  const head = [term("parcel"), term("nameOf"), term("computed"), ...(declared ? [term("declared"), term("difference")] : [])];
  const rows = line.parcels.map((one) => element(
    "tr", {}, element("th", { scope: "row" }, one.number), element("td", {}, [one.name, one.use].filter(Boolean).join(" · ")), number(one.area_m2),
    ...(declared ? [number(one.declared_m2), number(one.declared_m2 === null ? null : one.area_m2 - one.declared_m2)] : []),
  ));
  return element(
    "div", { class: "red-line" },
    element("p", { class: "area" }, line.name ? element("b", {}, `${line.name}　`) : null, areaText(line.area_m2, current())),
    element("p", { class: "hint" }, `${term("system")} ${line.crs}　${term("recognised")}：${line.crs_evidence}`),
    line.problems.length ? element("ul", { class: "noted" }, ...line.problems.map((one) => element("li", { class: "caution" }, one))) : null,
    element("div", { class: "scroll short" }, element("table", { class: "rows" },
      element("thead", {}, element("tr", {}, ...head.map((one, place) => element("th", place > 1 ? { class: "number", scope: "col" } : { scope: "col" }, one)))),
      element("tbody", {}, ...rows))),
  );
}

function number(value: number | null): HTMLElement {
  return element("td", { class: "number" }, value === null ? "—" : figure(value, 2));
}
