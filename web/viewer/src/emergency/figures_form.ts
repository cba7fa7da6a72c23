/** The figures that grade an incident, as its kind's scale asks for them; or the grade, where people decide it. */

import { Problem } from "../api";
import { element } from "../dom";
import { text } from "../i18n";
import type { Figure, Kinds } from "./api";
import { field } from "./forms";
import { GRADE_NAMES, gradeName, term } from "./words";

const YUAN = "元";
const TEN_THOUSAND = 10_000;

export class FiguresForm {
  readonly element = element("fieldset", { class: "em-figures" });
  private readonly inputs = new Map<string, HTMLInputElement>();
  private grade: HTMLSelectElement | null = null;
  private reason: HTMLInputElement | null = null;

  constructor(private readonly kinds: Kinds) {}

  /** Ask for the figures of a kind; those that are known are filled in. */
  show(kind: string, known: Record<string, number> = {}): void {
    this.inputs.clear();
    this.grade = this.reason = null;
    const scale = this.kinds.scale[this.kinds.kind[kind]?.scale ?? ""];
    this.element.hidden = !kind;
    if (!scale) {
      this.declared();
      return;
    }
    const rows = Object.keys(scale.row[0]?.at_least ?? {}).map((name) => this.row(name, known[name]));
    this.element.replaceChildren(
      element("legend", {}, term("figures")), element("p", { class: "fine" }, `${term("figuresHint")}。${scale.source}`), element("div", { class: "em-two" }, ...rows),
    );
  }

  /** Members of a report or a change: figures, or the grade with its reason. Problem names what cannot be read. */
  members(): Record<string, unknown> {
    if (this.grade && this.reason) return this.grade.value ? { declared_grade: this.grade.value, declared_reason: this.reason.value.trim() } : {};
    const figures: Record<string, number> = {};
    for (const [name, input] of this.inputs) {
      const written = input.value.trim().replaceAll(",", "");
      if (!written) continue;
      const value = Number(written);
      if (!Number.isFinite(value)) throw new Problem(`“${written}” ${term("notNumber")}`, `figures.${name}`);
      figures[name] = inThousands(this.kinds.figure[name]) ? Math.round(value * TEN_THOUSAND * 100) / 100 : value;
    }
    return { figures };
  }

  /** Where the server's words about a figure go; null where they are about none of these. */
  controlOf(where: string): HTMLElement | null {
    const control = where.startsWith("declared_reason") ? this.reason : this.inputs.get(where.split("figures.")[1] ?? "");
    return control?.closest<HTMLElement>(".em-field") ?? null;
  }

  private row(name: string, value: number | undefined): HTMLElement {
    const figure = this.kinds.figure[name];
    const shown = value === undefined ? "" : String(inThousands(figure) ? value / TEN_THOUSAND : value);
    const input = element("input", { inputmode: "decimal", name, value: shown, maxlength: "20" });
    this.inputs.set(name, input);
    const unit = inThousands(figure) ? term("tenThousand") : (figure?.unit ?? "");
    return field(`${figure ? text(figure) : name}（${unit}）`, input);
  }

  private declared(): void {
    this.grade = element("select", { name: "declared_grade" }, element("option", { value: "" }, term("notGraded")), ...GRADE_NAMES.map((one) => element("option", { value: one }, gradeName(one))));
    this.reason = element("input", { name: "declared_reason", maxlength: "200" });
    this.element.replaceChildren(
      element("legend", {}, term("declaredGrade")), element("p", { class: "fine" }, term("noScale")),
      element("div", { class: "em-two" }, field(term("declaredGrade"), this.grade), field(term("declaredReason"), this.reason)),
    );
  }
}

function inThousands(figure: Figure | undefined): boolean {
  return figure?.unit === YUAN;
}
