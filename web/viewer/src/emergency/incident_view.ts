/** An open incident: what it is, its report clock, and in tabs all that hangs on it; now or in a replay. */

import { button, element } from "../dom";
import { AnalyseTab } from "./analyse_tab";
import type { Mark, News, Step, Task, Whole } from "./api";
import { ClockBox } from "./clock_box";
import { Ending } from "./ending";
import { FactsTab } from "./facts_tab";
import { badges, plainTitle } from "./list";
import { MarksTab } from "./marks_tab";
import { ReplayBar } from "./replay_bar";
import { StepsTab } from "./steps_tab";
import { TasksTab } from "./tasks_tab";
import { TimelineTab } from "./timeline_tab";
import { gradeName, levelName, term, type Term } from "./words";
import type { Shown, Tab, Work } from "./work";

const RELOAD_MS = 150;

export class IncidentView {
  readonly element = element("div", { class: "em-view" });
  private readonly head = element("div", { class: "em-facts-head" });
  private readonly told = element("div", { class: "em-told", role: "status", hidden: "" });
  private readonly clock: ClockBox;
  private readonly ending: Ending;
  private readonly replay: ReplayBar;
  private readonly analyse: AnalyseTab;
  private readonly marks: MarksTab;
  private readonly tabs: [Term, Tab, HTMLButtonElement][];
  private past: Whole | null = null;
  private pastAt: string | null = null;
  private timer = 0;

  constructor(private readonly work: Work, private whole: Whole, tab: Term, private readonly reload: () => Promise<void>, back: () => void) {
    this.clock = new ClockBox(work);
    this.ending = new Ending(work);
    this.replay = new ReplayBar(work, (past, at) => {
      this.past = past;
      this.pastAt = at;
      this.draw();
    });
    this.analyse = new AnalyseTab(work);
    this.marks = new MarksTab(work);
    const parts: [Term, Tab][] = [
      ["facts", new FactsTab(work)], ["timeline", new TimelineTab(work)], ["tasks", new TasksTab(work)], ["steps", new StepsTab(work)], ["marks", this.marks], ["analyse", this.analyse],
    ];
    this.tabs = parts.map(([name, tab]) => {
      const head = button(term(name), "tab", () => this.choose(name));
      head.setAttribute("role", "tab");
      head.dataset["tab"] = name;
      return [name, tab, head];
    });
    const away = button("‹", "em-back", back);
    away.setAttribute("aria-label", term("back"));
    this.element.append(
      element("div", { class: "em-head" }, away, this.head), this.told, this.clock.element, this.replay.element,
      element("div", { class: "tabs", role: "tablist" }, ...this.tabs.map(([, , head]) => head)), element("div", { class: "em-tab-body" }, ...parts.map(([, tab]) => tab.element)), this.ending.element,
    );
    work.areas.changed = () => this.draw();
    work.board.set({ open: whole.code });
    this.choose(tab);
    this.take(whole);
  }

  get code(): string {
    return this.whole.code;
  }
  get drill(): boolean {
    return this.whole.drill;
  }
  get busy(): boolean {
    return this.marks.busy;
  }

  /** Tell how the server graded what was just reported, and what it says of the place. */
  tellGrading(notes: string[]): void {
    this.told.hidden = false;
    this.told.replaceChildren(
      element("b", {}, `${term("gradedAs")}：${gradeName(this.whole.grade)}`), element("p", {}, `${term("rule")}：${this.whole.grade_rule}`),
      ...notes.map((note) => element("p", { class: "fine" }, note)), button("×", "em-remove", () => {
        this.told.hidden = true;
      }),
    );
  }

  /** The incident as it was read; an answer that was overtaken by news, which only ever add entries, is let go. */
  take(whole: Whole): void {
    if (whole.entries.length < this.whole.entries.length) return;
    this.whole = whole;
    this.replay.renew(whole.entries);
    this.draw();
  }

  /** What happened just now: parts are put in their places; facts, and what was missed, are read again. */
  hear({ entry }: News): void {
    const last = this.whole.entries.at(-1)?.number ?? 0;
    if (entry.number <= last) return;
    if (entry.number > last + 1 || entry.changes.some((one) => one.of === "incident")) {
      this.readSoon();
      return;
    }
    this.whole.entries.push(entry);
    for (const { of, after } of entry.changes) {
      if (of === "mark") this.whole.marks = placed(this.whole.marks, after as Mark).filter((one) => !one.removed);
      else if (of === "task") this.whole.tasks = placed(this.whole.tasks, after as Task);
      else this.whole.steps = placed(this.whole.steps, after as Step);
    }
    this.take(this.whole);
  }

  /** Choose a mark, as a click on it does. */
  chooseMark(number: number): void {
    this.choose("marks");
    this.marks.choose(number);
  }

  /** Whether a point of the flat map is on a handle of a mark that is being changed. */
  covers(x: number, y: number): boolean {
    return this.marks.covers(x, y);
  }

  end(): void {
    clearTimeout(this.timer);
    for (const [, tab] of this.tabs) tab.end?.();
    this.clock.end();
    this.replay.end();
    this.work.board.leave();
  }

  private readSoon(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.reload().catch(() => undefined), RELOAD_MS);
  }

  choose(name: Term): void {
    for (const [one, tab, head] of this.tabs) {
      tab.element.hidden = one !== name;
      head.setAttribute("aria-selected", String(one === name));
    }
    if (name !== "marks") this.marks.rest();
    if (name === "analyse") void this.analyse.opened();
  }

  private draw(): void {
    const whole = this.past ?? this.whole;
    const may = !this.past && whole.state === "open" && this.work.api.mayWrite;
    const shown: Shown = { whole, at: this.past ? this.pastAt : null, may };
    this.element.classList.toggle("replayed", this.past !== null);
    this.head.replaceChildren(
      element("div", { class: "em-badges" }, ...badges(whole), element("span", { class: `em-badge response${whole.response_level ? "" : " none"}` }, `${term("responseLevel")} ${levelName(whole.response_level)}`),
        whole.state === "closed" ? element("span", { class: "em-badge closed" }, term("closed")) : null),
      element("h2", {}, plainTitle(whole)), element("p", { class: "fine" }, `${whole.code} · ${whole.place_text}`),
      element("p", { class: "fine em-rule" }, whole.grade_rule),
    );
    this.work.board.set({ kept: this.work.areas.of(whole.entries) });
    this.clock.renew(shown);
    this.ending.renew(shown);
    for (const [name, tab, head] of this.tabs) {
      tab.renew(shown);
      head.replaceChildren(term(name), ...count(name, whole));
    }
    this.work.board.set({ marks: whole.marks });
  }
}

/** A list with the newer state of one of its parts. */
function placed<P extends { number: number }>(parts: P[], newer: P): P[] {
  return [...parts.filter((one) => one.number !== newer.number), newer].sort((a, b) => a.number - b.number);
}

function count(name: Term, whole: Whole): HTMLElement[] {
  const said: Partial<Record<Term, string>> = {
    timeline: String(whole.entries.length), marks: String(whole.marks.length), tasks: `${whole.tasks.filter((one) => one.state === "done").length}/${whole.tasks.length}`,
    steps: `${whole.steps.filter((one) => one.state !== "open").length}/${whole.steps.length}`,
  };
  return said[name] === undefined ? [] : [element("span", { class: "count" }, said[name])];
}
