/** 量测: distance, height, area and volume, by points set in the picture. */

import { Cartographic, type Cartesian3, type Scene } from "cesium";
import { button, element } from "../dom";
import { areaText, figure } from "../figures";
import { current } from "../i18n";
import { distanceOf, facetArea, levelArea, volumeOf } from "./measuring";
import { field, type Tool } from "./panel";
import type { Sketch, SketchWish } from "./sketch";
import { term, type Term } from "./words";

type Kind = "distance" | "height" | "area" | "volume";

const WISHES: Record<Kind, Pick<SketchWish, "least" | "closed" | "most">> = {
  distance: { least: 2, closed: false }, height: { least: 2, closed: false, most: 2 }, area: { least: 3, closed: true }, volume: { least: 3, closed: true },
};
const TITLES: Record<Kind, Term> = { distance: "distance", height: "heightDifference", area: "area", volume: "volume" };

export class MeasureTool implements Tool {
  readonly name = "measure";
  private kind: Kind = "distance";
  private level_m: number | null = null;
  private readonly result = element("table", { class: "scene-figures" });

  constructor(private readonly scene: Scene, private readonly sketch: Sketch) {}

  open(card: HTMLElement): void {
    const kinds = element("div", { class: "scene-choices", role: "radiogroup" }, ...(Object.keys(WISHES) as Kind[]).map((kind) => {
      const made = button(term(TITLES[kind]), "quiet", () => {
        this.kind = kind;
        card.replaceChildren();
        this.open(card);
      });
      made.dataset["kind"] = kind;
      made.setAttribute("role", "radio");
      made.setAttribute("aria-checked", String(kind === this.kind));
      return made;
    }));
    card.append(kinds, element("p", { class: "fine" }, term(this.kind === "height" ? "heightHint" : "sketchHint")));
    if (this.kind === "volume") card.append(this.levelField());
    card.append(this.result);
    this.begin();
  }

  close(): void {
    this.sketch.clear();
    this.result.replaceChildren();
  }

  private levelField(): HTMLElement {
    const input = element("input", { type: "number", step: "0.1", placeholder: term("lowestPoint"), ...(this.level_m === null ? {} : { value: String(this.level_m) }) });
    input.addEventListener("change", () => {
      this.level_m = input.value === "" || !Number.isFinite(Number(input.value)) ? null : Number(input.value);
    });
    return field(term("level"), input);
  }

  private begin(): void {
    this.result.replaceChildren();
    this.sketch.start({ ...WISHES[this.kind], changed: (points) => this.tell(points), done: (points) => void this.finished(points) });
  }

  private tell(points: Cartesian3[]): void {
    if (this.kind === "distance" || this.kind === "height") this.lengths(points);
    else if (points.length > 2) this.areas(points);
  }

  private async finished(points: Cartesian3[]): Promise<void> {
    this.tell(points);
    if (this.kind !== "volume") return;
    const found = await volumeOf(this.scene.terrainProvider, points, this.level_m);
    this.rows([
      [term("aboveLevel"), `${figure(found.above_m3, 0)} m³`], [term("belowLevel"), `${figure(found.below_m3, 0)} m³`], [term("area"), areaText(found.area_m2, current())],
      [term("groundHeights"), `${found.lowest_m.toFixed(1)} – ${found.highest_m.toFixed(1)} m`], [term("cells"), `${found.cell_m.toFixed(1)} m`],
    ]);
  }

  private lengths(points: Cartesian3[]): void {
    const found = distanceOf(points);
    const last = points.at(-1);
    const height = last ? Cartographic.fromCartesian(last).height : 0;
    this.rows([
      [term("heightDifference"), `${figure(found.rise_m, 2)} m`], [term("straight"), `${figure(found.straight_m, 2)} m`], [term("level2d"), `${figure(found.level_m, 2)} m`],
      [term("lastHeight"), `${height.toFixed(2)} m (${term("ellipsoidal")})`],
    ]);
  }

  private areas(points: Cartesian3[]): void {
    this.rows([[term("levelArea"), areaText(levelArea(points), current())], [term("facetArea"), `${figure(facetArea(points), 2)} m²`]]);
  }

  private rows(entries: [string, string][]): void {
    this.result.replaceChildren(...entries.map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value))));
  }
}
