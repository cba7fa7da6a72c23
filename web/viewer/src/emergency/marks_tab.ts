/** Marks of an incident: points, lines and areas drawn with a symbol and a label, changed by hand, seen by every seat. */

import { button, element, say } from "../dom";
import { current } from "../i18n";
import { moment } from "../live/words";
import { extent } from "../overlays";
import type { Mark } from "./api";
import { problemLine } from "./forms";
import type { Underway } from "./marks/drawing";
import { MarkEditor } from "./marks/editor";
import { markTerm } from "./marks/words";
import { markName, symbolName, symbolOf, SYMBOLS, type Shape } from "./symbols";
import { term, type Term } from "./words";
import type { Shown, Tab, Work } from "./work";

const GROUPS: [Shape, Term][] = [["point", "points"], ["line", "lines"], ["area", "areas"]];

export class MarksTab implements Tab {
  readonly element = element("div", { class: "em-marks" });
  private readonly list = element("ul", { class: "em-mark-list", "aria-live": "polite" });
  private readonly label = element("input", { maxlength: "200", placeholder: term("label"), "aria-label": term("label"), name: "label" });
  private readonly palette = element("div", { class: "em-palette" });
  private readonly hint = element("p", { class: "em-drawing-hint", role: "status" });
  private readonly problem = problemLine();
  private readonly form: HTMLElement;
  private readonly desk = element("div", {});
  private drawing: Underway | null = null;
  private editor: MarkEditor | null = null;
  private shown: Shown | null = null;

  constructor(private readonly work: Work) {
    this.palette.append(...GROUPS.map(([shape, title]) => element(
      "div", { class: "em-symbols" }, element("small", {}, term(title)),
      ...Object.entries(SYMBOLS).filter(([, one]) => one.shape === shape).map(([name]) => this.choice(name)),
    )));
    this.form = element("div", { class: "em-forms" }, element("p", { class: "fine" }, term("drawMark")), this.label, this.palette, this.hint);
    this.element.append(this.form, this.desk, this.problem, this.list);
  }

  get busy(): boolean {
    return this.drawing !== null || this.editor?.busy === true;
  }

  renew(shown: Shown): void {
    this.shown = shown;
    this.editor?.renew(shown);
    if (!shown.may) this.rest();
    this.draw();
  }

  /** Stop drawing something new; a mark that is being changed stays as it is. */
  rest(): void {
    this.drawing?.cancel();
  }

  end(): void {
    this.rest();
    if (this.editor?.dirty) say(markTerm("lost"), "error");
    this.editor?.end();
    this.editor = null;
  }

  /** Whether a point of the map is on a handle of the mark that is being changed. */
  covers(x: number, y: number): boolean {
    return this.editor?.covers(x, y) ?? false;
  }

  /** Choose a mark, and begin to change it where one may. */
  choose(number: number): void {
    const mark = this.shown?.whole.marks.find((one) => one.number === number);
    if (!mark || this.editor?.number === number) return;
    if (this.editor?.dirty) {
      say(markTerm("unsavedFirst"), "error");
      return;
    }
    this.rest();
    this.editor?.end();
    this.editor = this.shown?.may ? new MarkEditor(this.work, mark, () => this.edited()) : null;
    this.desk.replaceChildren(...(this.editor ? [this.editor.element] : []));
    this.work.board.set({ chosen: number });
    this.draw();
    this.list.querySelector(`[data-mark="${number}"]`)?.scrollIntoView({ block: "nearest" });
  }

  private edited(): void {
    this.editor = null;
    this.desk.replaceChildren();
    this.work.board.set({ chosen: null });
    this.draw();
  }

  private draw(): void {
    if (!this.shown) return;
    const { whole, may } = this.shown;
    this.form.hidden = !may || this.editor !== null;
    this.list.replaceChildren(...(whole.marks.length ? whole.marks.map((one) => this.row(one, may)) : [element("li", { class: "none" }, term("noMarks"))]));
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
    this.drawing = this.work.draw(shape, (geometry) => void this.add(name, geometry), ended);
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
    const edit = may ? button("✎", "em-edit", () => this.choose(mark.number)) : null;
    edit?.setAttribute("aria-label", `${markTerm("edit")} ${markName(mark)}`);
    if (edit) edit.title = markTerm("edit");
    const remove = may ? button("×", "em-remove", () => void this.work.write(this.problem, () => this.work.api.removeMark(this.work.code, mark))) : null;
    remove?.setAttribute("aria-label", `${term("remove")} ${markName(mark)}`);
    const kind = mark.label && mark.label !== symbolOf(mark.symbol).zh ? `${symbolName(mark.symbol)}${current() === "zh" ? "，" : ", "}` : "";
    const chosen = mark.number === this.work.board.chosen;
    return element("li", { "data-mark": String(mark.number), ...(chosen ? { class: "chosen" } : {}) }, swatch, go, element("small", {}, `${kind}${mark.author} ${moment(mark.at)}`), edit, remove);
  }

  private go(mark: Mark): void {
    const box = extent({ type: "FeatureCollection", features: [{ type: "Feature", properties: {}, geometry: mark.geometry }] });
    if (box) this.work.look(box);
  }
}
