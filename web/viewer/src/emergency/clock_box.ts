/** The report clock: which level of government is to be told by when; what is overdue is red. */

import { button, element } from "../dom";
import { duration, moment } from "../live/words";
import { current } from "../i18n";
import type { Due } from "./api";
import { problemLine } from "./forms";
import { term } from "./words";
import type { Shown, Tab, Work } from "./work";

const TICK_MS = 15_000;

export class ClockBox implements Tab {
  readonly element = element("section", { class: "em-clock", "aria-label": term("clock") });
  private readonly problem = problemLine();
  private readonly timer = window.setInterval(() => this.draw(), TICK_MS);
  private shown: Shown | null = null;

  constructor(private readonly work: Work) {}

  renew(shown: Shown): void {
    this.shown = shown;
    this.draw();
  }

  end(): void {
    clearInterval(this.timer);
  }

  private draw(): void {
    const clock = this.shown?.whole.clock;
    this.element.hidden = !clock;
    if (!clock) return;
    const rows = clock.reports.map((due) => this.row(due));
    this.element.replaceChildren(
      element("h3", { title: clock.source }, term("clock")), ...(rows.length ? rows : [element("p", { class: "none" }, term("noReports"))]), this.problem,
    );
  }

  private row(due: Due): HTMLElement {
    const late = Date.parse(due.due_at) - Date.now();
    const state = due.told_at === null ? (late < 0 ? "overdue" : "due") : due.state;
    const words = {
      done: () => `${term("told")} ${moment(due.told_at ?? "")}`, late: () => `${term("toldLate")} ${moment(due.told_at ?? "")}`,
      due: () => (due.at_once ? term("atOnce") : `${term("left")} ${duration(late)}`), overdue: () => `${term("overdue")} ${duration(-late)}`,
    }[state]();
    const tell = due.told_at === null && this.shown?.may ? button(term("tellNow"), "deed", () => void this.tell(due)) : null;
    return element(
      "div", { class: `em-due ${state}`, "data-to": due.to }, element("b", {}, current() === "zh" ? due.title : due.what === "report" ? `To the ${term(due.to)}` : "Follow-up"),
      element("span", { class: "em-due-state" }, words), element("small", {}, due.at_once ? "" : `${term("by")} ${moment(due.due_at)}`), tell,
    );
  }

  private async tell(due: Due): Promise<void> {
    const kind = due.what === "follow-up" ? "follow" : "first";
    await this.work.write(this.problem, () => this.work.api.add(this.work.code, "entries", { kind: "report", report: { to: due.to, kind } }));
  }
}
