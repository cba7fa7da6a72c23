/** Marks of an incident: points, lines and areas drawn with a symbol and a label, seen by every seat. */

import { button, element } from "../dom";
import { Drawing, showDrawing } from "../draw";
import { current } from "../i18n";
import { moment } from "../live/words";
import { extent } from "../overlays";
import type { Mark } from "./api";
import { problemLine } from "./forms";
import { PointPick } from "./pick_point";
import { markName, symbolName, symbolOf, SYMBOLS, type Shape } from "./symbols";
import { term, type Term } from "./words";
import type { Shown, Tab, Work } from "./work";

const NEAR_ZOOM = 16;
const GROUPS: [Shape, Term][] = [["point", "points"], ["line", "lines"], ["area", "areas"]];

export class MarksTab implements Tab {
  readonly element = element("div", { class: "em-marks" });
  private readonly list = element("ul", { class: "em-mark-list", "aria-live": "polite" });
  private readonly label = element("input", { maxlength: "200", placeholder: term("label"), "aria-label": term("label"), name: "label" });
  private readonly palette = element("div", { class: "em-palette" });
  private readonly hint = element("p", { class: "em-drawing-hint", role: "status" });
  private readonly problem = problemLine();
  private readonly form: HTMLElement;
  private drawing: { cancel(): void } | null = null;

  constructor(private readonly work: Work) {
    this.palette.append(...GROUPS.map(([shape, title]) => element(
      "div", { class: "em-symbols" }, element("small", {}, term(title)),
      ...Object.entries(SYMBOLS).filter(([, one]) => one.shape === shape).map(([name]) => this.choice(name)),
    )));
    this.form = element("div", { class: "em-forms" }, element("p", { class: "fine" }, term("drawMark")), this.label, this.palette, this.hint);
    this.element.append(this.form, this.problem, this.list);
  }

  get busy(): boolean {
    return this.drawing !== null;
  }

  renew({ whole, may }: Shown): void {
    this.form.hidden = !may;
    if (!may) this.end();
    this.list.replaceChildren(...(whole.marks.length ? whole.marks.map((one) => this.row(one, may)) : [element("li", { class: "none" }, term("noMarks"))]));
  }

  end(): void {
    this.drawing?.cancel();
  }

  private choice(name: string): HTMLElement {
    const { colour, sign, shape } = symbolOf(name);
    const swatch = element("span", { class: `em-sign ${shape}`, "aria-hidden": "true" }, sign);
    swatch.style.setProperty("--colour", colour);
    const made = button("", "em-symbol", () => this.begin(name, made));
    made.dataset["symbol"] = name;
    made.append(swatch, symbolName(name));
    return made;
  }

  /** Draw with a symbol; choosing it again, or another, ends what is under way. */
  private begin(name: string, chosen: HTMLElement): void {
    const again = chosen.getAttribute("aria-pressed") === "true";
    this.drawing?.cancel();
    if (again) return;
    const { shape } = symbolOf(name);
    chosen.setAttribute("aria-pressed", "true");
    this.hint.textContent = term(shape === "point" ? "drawPoint" : "drawShape");
    const ended = (): void => {
      this.drawing = null;
      chosen.setAttribute("aria-pressed", "false");
      this.hint.textContent = "";
    };
    const gl = this.work.map.gl;
    if (shape === "point") this.drawing = new PointPick(gl, (lon, lat) => void this.add(name, { type: "Point", coordinates: [lon, lat] }), ended);
    else {
      this.drawing = new Drawing(gl, shape, (drawn) => {
        ended();
        showDrawing(gl, []);
        if (drawn) void this.add(name, drawn);
      });
    }
    gl.getContainer().querySelector("canvas")?.focus();
  }

  private async add(symbol: string, geometry: GeoJSON.Geometry): Promise<void> {
    if (await this.work.write(this.problem, () => this.work.api.add(this.work.code, "marks", { geometry, symbol, label: this.label.value.trim() || symbolOf(symbol).zh }))) this.label.value = "";
  }

  private row(mark: Mark, may: boolean): HTMLElement {
    const { colour, sign, shape } = symbolOf(mark.symbol);
    const swatch = element("span", { class: `em-sign ${shape}`, "aria-hidden": "true" }, sign);
    swatch.style.setProperty("--colour", colour);
    const go = button(markName(mark), "link", () => this.go(mark));
    go.title = term("goThere");
    const remove = may ? button("×", "em-remove", () => void this.work.write(this.problem, () => this.work.api.removeMark(this.work.code, mark))) : null;
    remove?.setAttribute("aria-label", `${term("remove")} ${markName(mark)}`);
    const kind = mark.label && mark.label !== symbolOf(mark.symbol).zh ? `${symbolName(mark.symbol)}${current() === "zh" ? "，" : ", "}` : "";
    return element("li", { "data-mark": String(mark.number) }, swatch, go, element("small", {}, `${kind}${mark.author} ${moment(mark.at)}`), remove);
  }

  private go(mark: Mark): void {
    const box = extent({ type: "FeatureCollection", features: [{ type: "Feature", properties: {}, geometry: mark.geometry }] });
    if (box) this.work.map.gl.fitBounds(box, { padding: { top: 80, bottom: 80, left: 330, right: 24 }, maxZoom: NEAR_ZOOM, duration: 500 });
  }
}
