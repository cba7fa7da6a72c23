/** The steps of the plan of an incident, as a checklist. */

import { button, element } from "../dom";
import { moment } from "../live/words";
import type { Step, StepState, Whole } from "./api";
import { problemLine } from "./forms";
import { term } from "./words";
import type { Shown, Tab, Work } from "./work";

export class StepsTab implements Tab {
  readonly element = element("div", { class: "em-steps" });
  private readonly list = element("div", { "aria-live": "polite" });
  private readonly problem = problemLine();

  constructor(private readonly work: Work) {
    this.element.append(this.problem, this.list);
  }

  renew({ whole, may }: Shown): void {
    this.list.replaceChildren(...(whole.steps.length ? this.steps(whole, may) : [this.none(whole, may)]));
  }

  private none(whole: Whole, may: boolean): HTMLElement {
    const plan = this.work.kinds.kind[whole.kind]?.plan;
    const take = plan && may ? button(term("takePlan"), "deed main-deed take-plan", () => void this.take(plan)) : null;
    return element("div", {}, element("p", { class: "none" }, term(plan ? "noSteps" : "noPlan")), take);
  }

  private async take(plan: string): Promise<void> {
    await this.work.write(this.problem, () => this.work.api.add(this.work.code, "steps", { plan }));
  }

  private steps({ steps }: Whole, may: boolean): HTMLElement[] {
    const done = steps.filter((one) => one.state !== "open").length;
    return [element("p", { class: "fine" }, `${term("stepsDone")} ${done} / ${steps.length}　${steps[0]?.source ?? ""}`), ...steps.map((one) => this.row(one, may))];
  }

  private row(step: Step, may: boolean): HTMLElement {
    const late = step.state === "open" && Date.parse(step.due_at) < Date.now();
    const tick = element("input", { type: "checkbox", "aria-label": step.what, ...(step.state === "done" ? { checked: "" } : {}), ...(may && step.state !== "skipped" ? {} : { disabled: "" }) });
    tick.addEventListener("change", () => void this.set(step, tick.checked ? "done" : "open"));
    const other = may && step.state === "open" ? button(term("skip"), "link", () => void this.set(step, "skipped"))
      : may && step.state === "skipped" ? button(term("undo"), "link", () => void this.set(step, "open")) : null;
    const when = step.state === "open" ? `${term("by")} ${moment(step.due_at)}${late ? ` · ${term("overdue")}` : ""}`
      : `${term(step.state === "done" ? "done" : "skip")} ${step.at ? moment(step.at) : ""} ${step.author ?? ""}`;
    return element(
      "label", { class: `em-step ${step.state}${late ? " late" : ""}`, "data-step": String(step.number) }, tick,
      element("span", {}, element("b", {}, step.role), ` ${step.what}`, element("small", { class: late ? "em-late" : "" }, when)), other,
    );
  }

  private async set(step: Step, state: StepState): Promise<void> {
    await this.work.write(this.problem, () => this.work.api.edit(this.work.code, `steps/${step.number}`, { revision: step.revision, state }));
  }
}
