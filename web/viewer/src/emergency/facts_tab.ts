/** Facts of an incident: where, when, by what rule it is graded, at what level it is responded to. */

import { element } from "../dom";
import { text } from "../i18n";
import { moment } from "../live/words";
import { shown as surveyed } from "../coordinates";
import type { Whole } from "./api";
import { FiguresForm } from "./figures_form";
import { formOf, problemLine, submitButton } from "./forms";
import { GRADE_NAMES, levelName, term } from "./words";
import type { Shown, Tab, Work } from "./work";

export class FactsTab implements Tab {
  readonly element = element("div", { class: "em-facts" });
  private readonly table = element("dl", {});
  private readonly problem = problemLine();
  private readonly level = element("select", { name: "response_level" }, element("option", { value: "" }, levelName(null)), ...GRADE_NAMES.map((one) => element("option", { value: one }, levelName(one))));
  private readonly figures: FiguresForm;
  private readonly forms: HTMLElement;
  private whole: Whole | null = null;
  private filled = 0;

  constructor(private readonly work: Work) {
    this.figures = new FiguresForm(work.kinds);
    const level = formOf("em-inline", () => void this.send({ response_level: this.level.value || null }), element("label", {}, `${term("responseLevel")} `, this.level), submitButton(term("save")));
    const figures = element("details", {}, element("summary", {}, term("updateFigures")), formOf("", () => void this.send(() => this.figures.members()), this.figures.element, submitButton(term("save"))));
    this.forms = element("div", { class: "em-forms" }, level, figures, this.problem);
    this.element.append(this.table, this.forms);
  }

  renew({ whole, may }: Shown): void {
    this.forms.hidden = !may;
    this.table.replaceChildren(...this.rows(whole).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
    this.whole = whole;
    if (whole.revision === this.filled) return;
    this.filled = whole.revision;
    this.level.value = whole.response_level ?? "";
    this.figures.show(whole.kind, whole.figures);
  }

  private rows(whole: Whole): [string, string][] {
    const { kind, figure } = this.work.kinds;
    const said = Object.entries(whole.figures).map(([name, value]) => {
      const known = figure[name];
      const money = known?.unit === "元" && value >= 10_000;
      return `${known ? text(known) : name} ${money ? `${value / 10_000} ${term("tenThousand")}` : `${value} ${known?.unit ?? ""}`}`;
    });
    const unknown = (whole.grading?.unknown ?? []).map((name) => (figure[name] ? text(figure[name]) : name));
    const rows: [string, string][] = [
      [term("kind"), kind[whole.kind] ? text(kind[whole.kind] as { zh: string; en: string }) : whole.kind],
      [term("place"), whole.place_text || "—"],
      [term("position"), surveyed(whole.lon, whole.lat)],
      [term("occurredAt"), moment(whole.occurred_at)],
      [term("reportedAt"), moment(whole.reported_at)],
      [term("reporter"), whole.reporter || "—"],
      [term("figures"), said.join("；") || "—"],
      [term("responseLevel"), levelName(whole.response_level)],
    ];
    if (unknown.length) rows.push([term("unknown"), unknown.join("、")]);
    return rows;
  }

  private async send(given: Record<string, unknown> | (() => Record<string, unknown>)): Promise<void> {
    await this.work.write(this.problem, () => this.work.api.change(this.work.code, { revision: this.whole?.revision ?? 1, ...(typeof given === "function" ? given() : given) }));
  }
}
