/** Where a warning is to hold: a polygon drawn on the map, a circle, regions, or the area of the warning it follows. */

import { Problem } from "../../api";
import { button, element } from "../../dom";
import { Drawing, showDrawing } from "../../draw";
import type { CityMap } from "../../map";
import { besidePanels, extent } from "../../overlays";
import { circle } from "../circle";
import { PointPick } from "../pick_point";
import type { WarningsApi } from "./api";
import { RegionsInput } from "./regions_input";
import { term, type Term } from "./words";

const MOST_KM = 500;
const M_PER_KM = 1000;
const DIGITS = 6;

/** The area of a form, as the server takes it. */
export interface AreaForm {
  description?: string;
  polygon?: GeoJSON.Polygon | GeoJSON.MultiPolygon;
  circle?: { lon: number; lat: number; radius_km: number };
  geocodes?: string[];
}

export class AreaInput {
  readonly element = element("fieldset", { class: "em-place ew-area" });
  private readonly ways = new Map<Term, HTMLElement>();
  private readonly tabs = new Map<Term, HTMLButtonElement>();
  private readonly told = element("p", { class: "em-placed", role: "status" });
  private readonly name = element("input", { name: "area-name", maxlength: "500", placeholder: term("areaHint"), "aria-label": term("areaHint") });
  private readonly radius = element("input", { name: "radius", inputmode: "decimal", value: "2", maxlength: "8" });
  private readonly regions: RegionsInput;
  private way: Term = "drawIt";
  private polygon: GeoJSON.Polygon | null = null;
  private centre: [number, number] | null = null;
  private acting: { cancel(): void } | null = null;

  /** `kept` is the area of the warning that this one follows. */
  constructor(api: WarningsApi, private readonly map: CityMap, private readonly kept: AreaForm | null = null) {
    this.regions = new RegionsInput(api, () => this.show());
    if (kept) this.ways.set("keepIt", element("p", { class: "fine" }, kept.description ?? ""));
    this.ways.set("drawIt", this.drawWay());
    this.ways.set("circleIt", this.circleWay());
    this.ways.set("regionsIt", this.regions.element);
    for (const name of this.ways.keys()) {
      const tab = button(term(name), "tab", () => this.choose(name));
      tab.setAttribute("role", "tab");
      this.tabs.set(name, tab);
    }
    this.name.value = kept?.description ?? "";
    this.element.append(element("legend", {}, term("areaName")), element("div", { class: "tabs", role: "tablist" }, ...this.tabs.values()), ...this.ways.values(), this.told, this.name);
    this.choose(kept ? "keepIt" : "drawIt");
  }

  /** Whether clicks on the map are its own. */
  get busy(): boolean {
    return this.acting !== null;
  }

  /** The area; Problem where there is none, or where it cannot be read. */
  get value(): AreaForm {
    return { ...this.shape(), ...(this.name.value.trim() ? { description: this.name.value.trim() } : {}) };
  }

  end(): void {
    this.acting?.cancel();
    showDrawing(this.map.gl, []);
  }

  private shape(): AreaForm {
    if (this.way === "keepIt" && this.kept) return this.kept;
    if (this.way === "drawIt" && this.polygon) return { polygon: this.polygon };
    if (this.way === "circleIt" && this.centre) return { circle: { lon: this.centre[0], lat: this.centre[1], radius_km: this.kilometres() } };
    if (this.way === "regionsIt" && this.regions.codes().length) return { geocodes: this.regions.codes() };
    throw new Problem(term("needArea"), "area");
  }

  private kilometres(): number {
    const value = Number(this.radius.value.trim());
    if (!(value > 0 && value <= MOST_KM)) throw new Problem(term("badRadius"), "area");
    return value;
  }

  private choose(name: Term): void {
    this.acting?.cancel();
    this.way = name;
    for (const [one, way] of this.ways) way.hidden = one !== name;
    for (const [one, tab] of this.tabs) tab.setAttribute("aria-selected", String(one === name));
    if (name === "regionsIt") void this.regions.opened();
    this.show();
  }

  private drawWay(): HTMLElement {
    const start = button(term("startDrawing"), "deed draw-area", () => {
      if (this.acting) {
        this.acting.cancel();
        return;
      }
      start.setAttribute("aria-pressed", "true");
      start.textContent = term("drawHint");
      this.acting = new Drawing(this.map.gl, "area", (drawn) => {
        this.acting = null;
        start.setAttribute("aria-pressed", "false");
        if (drawn?.type === "Polygon") this.polygon = drawn;
        start.textContent = term(this.polygon ? "drawAgain" : "startDrawing");
        this.show();
      });
      this.map.gl.getCanvas().focus();
    });
    return element("div", { class: "em-way" }, start);
  }

  private circleWay(): HTMLElement {
    const pick = button(term("pickCentre"), "deed pick-centre", () => {
      if (this.acting) {
        this.acting.cancel();
        return;
      }
      pick.setAttribute("aria-pressed", "true");
      pick.textContent = term("pickHint");
      this.acting = new PointPick(this.map.gl, (lon, lat) => {
        this.centre = [lon, lat];
        this.show();
      }, () => {
        this.acting = null;
        pick.setAttribute("aria-pressed", "false");
        pick.textContent = term(this.centre ? "pickAgain" : "pickCentre");
      });
    });
    this.radius.addEventListener("input", () => this.show());
    return element("div", { class: "em-way" }, pick, element("label", { class: "em-inline" }, element("span", {}, term("radius")), this.radius));
  }

  /** Draw what is given and say it. */
  private show(): void {
    const shapes = this.shapes();
    showDrawing(this.map.gl, shapes);
    this.told.textContent = this.words();
    this.told.classList.toggle("given", shapes.length > 0 || this.way === "keepIt");
    this.element.dispatchEvent(new Event("placed"));
    const box = this.way === "regionsIt" ? extent({ type: "FeatureCollection", features: shapes.map((geometry) => ({ type: "Feature", properties: {}, geometry })) }) : null;
    if (box) this.map.gl.fitBounds(box, { padding: besidePanels(this.map.gl.getContainer().clientWidth), duration: 400 });
  }

  private shapes(): GeoJSON.Geometry[] {
    if (this.way === "drawIt") return this.polygon ? [this.polygon] : [];
    if (this.way === "regionsIt") return this.regions.shapes();
    if (this.way !== "circleIt" || !this.centre) return [];
    const point: GeoJSON.Geometry = { type: "Point", coordinates: this.centre };
    const km = Number(this.radius.value.trim());
    return km > 0 && km <= MOST_KM ? [point, circle(this.centre[0], this.centre[1], km * M_PER_KM).geometry] : [point];
  }

  private words(): string {
    if (this.way === "keepIt") return `✓ ${term("keepIt")}`;
    if (this.way === "drawIt" && this.polygon) return `✓ ${(this.polygon.coordinates[0]?.length ?? 1) - 1} ${term("corners")}`;
    if (this.way === "circleIt" && this.centre) return `✓ ${this.centre.map((one) => one.toFixed(DIGITS)).join(", ")}，${this.radius.value} km`;
    if (this.way === "regionsIt" && this.regions.count) return `✓ ${this.regions.count} ${term("chosenRegions")}`;
    return term("noAreaYet");
  }
}
