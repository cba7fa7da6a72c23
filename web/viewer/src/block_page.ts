/** 地块指标 and 剖面: draw an area or a line on the map, or pick a plan parcel, and read what the server works out. */

import { analyse, type Answer } from "./block_api";
import { ask, type Catalog, type Identified, type Session, type Text } from "./api";
import { blockView, remarks } from "./block_view";
import { button, element, say } from "./dom";
import { Drawing, showDrawing, type DrawKind } from "./draw";
import { text, word } from "./i18n";
import type { CityMap } from "./map";
import { profileChart, type ProfilePoint } from "./profile_chart";

const PLAN = "plan_parcels";

export class BlockPage {
  private readonly hint = element("p", { class: "fine", role: "status" });
  private readonly answer = element("div", { class: "block-answer" });
  private readonly scenario = element("select", { "aria-label": word("scenario") });
  private drawing: Drawing | null = null;
  private picking = false;
  private area: GeoJSON.Geometry | null = null;

  constructor(
    private readonly box: HTMLElement, private readonly session: Session, private readonly catalog: Catalog, private readonly map: CityMap,
  ) {
    const head = element(
      "div", { class: "results-head" }, element("h2", {}, `${word("blockFigures")} · ${word("profile")}`), button("×", "close", () => this.toggle()),
    );
    head.querySelector(".close")?.setAttribute("aria-label", word("close"));
    const tools = element("div", { class: "block-tools" }, button(word("drawArea"), "draw-area", () => this.draw("area")));
    if (catalog.layers.some((layer) => layer.id === PLAN)) tools.append(button(word("pickParcel"), "pick", () => this.pick()));
    if (catalog.layers.some((layer) => layer.id === "dem")) tools.append(button(`${word("profile")}: ${word("drawLine")}`, "draw-line", () => this.draw("line")));
    box.replaceChildren(head, tools, element("label", { class: "fade" }, word("scenario"), this.scenario), this.hint, this.answer);
    this.scenario.addEventListener("change", () => void this.figures());
    map.gl.on("click", (event) => {
      if (this.picking && this.isOpen) void this.picked(event.lngLat.lng, event.lngLat.lat);
    });
  }

  get isOpen(): boolean {
    return this.box.classList.contains("open");
  }

  toggle(): void {
    const open = this.box.classList.toggle("open");
    if (open) void this.offerScenarios();
    else this.clear();
  }

  private clear(): void {
    this.drawing?.cancel();
    this.picking = false;
    this.area = null;
    this.answer.replaceChildren();
    this.hint.textContent = "";
    showDrawing(this.map.gl, []);
    this.map.highlight(null);
  }

  private async offerScenarios(): Promise<void> {
    await this.trying(async () => {
      const { scenarios } = await ask<{ scenarios: { name: string }[] }>("/scenarios");
      const none = element("option", { value: "" }, word("noScenario"));
      this.scenario.replaceChildren(none, ...scenarios.map(({ name }) => element("option", { value: name }, name)));
    });
  }

  private draw(kind: DrawKind): void {
    this.clear();
    this.hint.textContent = word("drawHint");
    this.drawing = new Drawing(this.map.gl, kind, (drawn) => {
      this.drawing = null;
      this.hint.textContent = "";
      if (drawn?.type === "Polygon") {
        this.area = drawn;
        void this.figures();
      } else if (drawn) void this.profile(drawn);
    });
    this.map.gl.getCanvas().focus();
  }

  private pick(): void {
    this.clear();
    this.picking = true;
    this.hint.textContent = word("pickHint");
    this.map.show(PLAN, true);
  }

  private async picked(lon: number, lat: number): Promise<void> {
    await this.trying(async () => {
      const query = new URLSearchParams({ lon: lon.toFixed(7), lat: lat.toFixed(7), layers: PLAN, limit: "1" });
      const { features } = await ask<{ features: Identified[] }>(`/identify?${query}`);
      const parcel = features[0];
      if (!parcel) {
        say(word("noParcel"));
        return;
      }
      this.area = parcel.geometry;
      showDrawing(this.map.gl, [parcel.geometry]);
      await this.figures();
    });
  }

  private async figures(): Promise<void> {
    if (!this.area) return;
    const inputs = { area: this.area, ...(this.scenario.value ? { scenario: this.scenario.value } : {}) };
    await this.run("block-figures", inputs, (answer) => blockView(answer, this.catalog));
  }

  private async profile(line: GeoJSON.LineString): Promise<void> {
    await this.run("terrain-profile", { line }, (answer) => {
      const points = (answer.tables.find((table) => table.id === "profile")?.rows ?? []) as unknown as ProfilePoint[];
      const mark = (at: ProfilePoint | null): void => this.map.highlight(at ? { type: "Point", coordinates: [at.lon, at.lat] } : null);
      return element("div", {}, profileChart(points, mark), profileFacts(answer), remarks(answer));
    });
  }

  private async run(process: string, inputs: Record<string, unknown>, shown: (answer: Answer) => HTMLElement): Promise<void> {
    this.answer.replaceChildren(element("p", { role: "status" }, word("calculating")));
    try {
      this.answer.replaceChildren(shown(await analyse(process, inputs, this.session)));
    } catch (error) {
      const told = error instanceof Error ? error.message : String(error);
      this.answer.replaceChildren(element("p", { class: "problem", role: "alert" }, told));
    }
  }

  private async trying(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), "error");
    }
  }
}

const FACTS: [string, Text, string][] = [
  ["length_m", { zh: "水平长度", en: "Length" }, "m"],
  ["surface_length_m", { zh: "地表长度", en: "Length on the ground" }, "m"],
  ["lowest_m", { zh: "最低高程", en: "Lowest" }, "m"],
  ["highest_m", { zh: "最高高程", en: "Highest" }, "m"],
  ["climb_m", { zh: "累计爬升", en: "Climb" }, "m"],
  ["descent_m", { zh: "累计下降", en: "Descent" }, "m"],
  ["steepest_deg", { zh: "最大坡度", en: "Steepest" }, "°"],
];

function profileFacts(answer: Answer): HTMLElement {
  const rows = FACTS.map(([id, title, unit]) => {
    const value = answer.summary[id];
    const shown = typeof value === "number" ? `${value.toFixed(1)} ${unit}` : "—";
    return element("tr", {}, element("th", { scope: "row" }, text(title)), element("td", {}, shown));
  });
  return element("table", { class: "figures" }, element("tbody", {}, ...rows));
}
