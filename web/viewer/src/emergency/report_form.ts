/** 接报: the form that puts an incident on the map, and where each refusal of the server is shown. */

import { Problem } from "../api";
import { button, element } from "../dom";
import { text } from "../i18n";
import type { CityMap } from "../map";
import type { EmergencyApi, Incident, Kinds } from "./api";
import { FiguresForm } from "./figures_form";
import { field, formOf, momentInput, momentOf, problemLine, submitButton, tellBeside } from "./forms";
import type { DrawShape } from "./marks/drawing";
import { PlaceInput } from "./place_input";
import { isOutside, said, term } from "./words";

export class ReportForm {
  readonly element: HTMLElement;
  private readonly kind: HTMLSelectElement;
  private readonly title = element("input", { name: "title", maxlength: "100" });
  private readonly place: PlaceInput;
  private readonly figures: FiguresForm;
  private readonly occurred = momentInput(new Date());
  private readonly reported = momentInput(new Date());
  private readonly reporter = element("input", { name: "reporter", maxlength: "200" });
  private readonly drill = element("input", { type: "checkbox", name: "drill" });
  private readonly problem = problemLine();
  private readonly send = submitButton(term("submit"), "deed main-deed");
  private readonly touched = new Set<HTMLInputElement>();

  constructor(private readonly api: EmergencyApi, kinds: Kinds, map: CityMap, private readonly made: (incident: Incident) => void, back: () => void, draw: DrawShape) {
    this.place = new PlaceInput(api, map, draw);
    this.figures = new FiguresForm(kinds);
    this.kind = kindSelect(kinds);
    this.kind.addEventListener("change", () => this.figures.show(this.kind.value));
    this.figures.show("");
    this.title.placeholder = term("titleHint");
    for (const input of [this.occurred, this.reported]) input.addEventListener("change", () => this.touched.add(input));
    const drill = element("label", { class: "em-tick em-drill" }, this.drill, element("b", {}, term("isDrill")), element("small", {}, term("drillHint")));
    this.drill.addEventListener("change", () => this.element.classList.toggle("hatched", this.drill.checked));
    this.place.element.addEventListener("placed", () => this.place.element.querySelector(".em-problem.told")?.remove());
    const form = formOf(
      "em-report", () => void this.submit(), field(term("kind"), this.kind), field(term("title"), this.title), this.place.element, this.figures.element,
      element("div", { class: "em-two" }, field(term("occurredAt"), this.occurred), field(term("reportedAt"), this.reported)),
      field(term("reporter"), this.reporter), drill, this.problem, this.send,
    );
    this.element = element("div", { class: "em-view" }, element("div", { class: "em-head" }, button("‹", "em-back", back), element("h2", {}, term("report"))), form);
    this.element.querySelector(".em-back")?.setAttribute("aria-label", term("back"));
  }

  get busy(): boolean {
    return this.place.busy;
  }

  /** Fill in what is known already; all of it may be changed. */
  fill({ lon, lat, title, drill }: { lon: number; lat: number; title: string; drill: boolean }): void {
    this.place.put(lon, lat);
    this.title.value = title.slice(0, this.title.maxLength);
    this.drill.checked = drill;
    this.element.classList.toggle("hatched", drill);
  }

  end(): void {
    this.place.end();
  }

  private async submit(): Promise<void> {
    for (const line of this.element.querySelectorAll(".em-problem.told")) line.remove();
    this.problem.textContent = "";
    this.send.disabled = true;
    this.send.textContent = term("sending");
    try {
      this.made(await this.api.report(this.body()));
    } catch (error) {
      this.refused(error);
    } finally {
      this.send.disabled = false;
      this.send.textContent = term("submit");
    }
  }

  /** What is sent; times that nobody touched are now, so that a form left open does not make a report late. */
  private body(): Record<string, unknown> {
    if (!this.kind.value) throw new Problem(term("needKind"), "kind");
    if (!this.title.value.trim()) throw new Problem(term("needTitle"), "title");
    if (!this.place.value) throw new Problem(term("needPlace"), "place");
    const times: Record<string, string | null> = {};
    if (this.touched.has(this.reported)) times["reported_at"] = momentOf(this.reported);
    if (this.touched.has(this.occurred)) times["occurred_at"] = momentOf(this.occurred);
    return {
      kind: this.kind.value, title: this.title.value.trim(), place: this.place.value, outside: this.place.outside, drill: this.drill.checked,
      reporter: this.reporter.value.trim(), ...this.figures.members(), ...times,
    };
  }

  /** Tell it beside what it is about; at the button where that is not known. */
  private refused(error: unknown): void {
    const where = error instanceof Problem ? error.where.replace(/^body\./, "") : "";
    const control = this.controlOf(where);
    if (isOutside(error)) this.place.askOutside();
    if (!control) {
      this.problem.textContent = [where, said(error)].filter(Boolean).join("：");
      return;
    }
    tellBeside(control, said(error));
  }

  private controlOf(where: string): HTMLElement | null {
    if (where.startsWith("place")) return this.place.element;
    const plain: Record<string, HTMLElement> = { kind: this.kind, title: this.title, occurred_at: this.occurred, reported_at: this.reported, reporter: this.reporter };
    return plain[where]?.closest<HTMLElement>(".em-field") ?? this.figures.controlOf(where);
  }
}

/** Kinds under their families. */
function kindSelect(kinds: Kinds): HTMLSelectElement {
  const families = Object.entries(kinds.family).map(([family, title]) => {
    const group = element("optgroup", { label: text(title) });
    group.append(...Object.entries(kinds.kind).filter(([, kind]) => kind.family === family).map(([name, kind]) => element("option", { value: name }, text(kind))));
    return group;
  });
  return element("select", { name: "kind" }, element("option", { value: "" }, term("chooseKind")), ...families);
}
