/** One warning: what it says, what it affects, who was called, what happened to it, and what may be done with it. */

import { button, element } from "../../dom";
import { duration } from "../../live/words";
import { AffectedTab } from "./affected_tab";
import { isDrill, plainTitle, type Taken, type Whole, type WarningsApi } from "./api";
import { CallsTab } from "./calls_tab";
import { CancelForm } from "./cancel_form";
import { CourseTab } from "./course_tab";
import { DraftForm } from "./draft_form";
import { isOurs } from "./following";
import { badges, span } from "./list";
import { SaysTab } from "./says_tab";
import { term, type Term } from "./words";

const TICK_MS = 15_000;

export interface ViewDeeds {
  back(): void;
  open(code: string): void;
  made(taken: Taken): void;
  update(whole: Whole): void;
  /** Report an incident at the place of a warning; null where incidents may not be reported. */
  incident: ((whole: Whole) => void) | null;
  fly(lon: number, lat: number): void;
}

export class WarningView {
  readonly element = element("div", { class: "em-view" });
  readonly busy = false;
  private readonly head = element("div", { class: "em-facts-head" });
  private readonly told = element("p", { class: "em-told", role: "status", hidden: "" });
  private readonly deedsLine = element("div", { class: "ew-deeds" });
  private readonly below = element("div", {});
  private readonly says: SaysTab;
  private readonly affected: AffectedTab;
  private readonly calls: CallsTab;
  private readonly course = new CourseTab();
  private readonly tabs: [Term, HTMLElement, HTMLButtonElement][];
  private readonly timer = window.setInterval(() => this.drawHead(), TICK_MS);
  private chosen: Term = "says";

  constructor(private readonly api: WarningsApi, public whole: Whole, private readonly deeds: ViewDeeds) {
    this.says = new SaysTab((code) => deeds.open(code));
    this.affected = new AffectedTab(api, (lon, lat) => deeds.fly(lon, lat));
    this.calls = new CallsTab(api);
    const parts: [Term, HTMLElement][] = [["says", this.says.element], ["affects", this.affected.element], ["calls", this.calls.element], ["course", this.course.element]];
    this.tabs = parts.map(([name, part]) => {
      const head = button(term(name), "tab", () => this.choose(name));
      head.setAttribute("role", "tab");
      head.dataset["tab"] = name;
      return [name, part, head];
    });
    const away = button("‹", "em-back", () => deeds.back());
    away.setAttribute("aria-label", term("back"));
    this.element.append(
      element("div", { class: "em-head" }, away, this.head), this.told, this.deedsLine, this.below,
      element("div", { class: "tabs", role: "tablist" }, ...this.tabs.map(([, , head]) => head)), element("div", { class: "em-tab-body" }, ...parts.map(([, part]) => part)),
    );
    this.take(whole);
    this.offer();
    this.choose("says");
  }

  get drill(): boolean {
    return isDrill(this.whole);
  }

  end(): void {
    clearInterval(this.timer);
    this.calls.end();
  }

  /** Say something of what was just done. */
  tell(words: string): void {
    this.told.hidden = false;
    this.told.textContent = words;
  }

  /** The warning as it is now; what may be done is offered anew where its state has changed. */
  take(whole: Whole): void {
    const changed = whole.state !== this.whole.state || whole.status !== this.whole.status;
    this.whole = whole;
    this.says.renew(whole);
    this.course.renew(whole);
    this.calls.renew(whole);
    if (this.chosen === "affects") void this.affected.opened(whole);
    this.drawHead();
    if (changed) this.offer();
  }

  private drawHead(): void {
    const { whole } = this;
    const left = whole.state === "active" && whole.expires ? Date.parse(whole.expires) - Date.now() : 0;
    this.head.replaceChildren(
      element("div", { class: "em-badges" }, ...badges(whole), whole.state === "active" ? element("span", { class: "em-badge state-active" }, term("inForce")) : null),
      element("h2", {}, plainTitle(whole)), element("p", { class: "fine" }, span(whole, whole.effective), left > 0 ? ` · ${term("left")} ${duration(left)}` : ""),
    );
  }

  private choose(name: Term): void {
    this.chosen = name;
    for (const [one, part, head] of this.tabs) {
      part.hidden = one !== name;
      head.setAttribute("aria-selected", String(one === name));
    }
    if (name === "affects") void this.affected.opened(this.whole);
    if (name === "calls") this.calls.opened();
    else this.calls.end();
  }

  private offer(): void {
    const { whole, deeds, api } = this;
    const active = whole.state === "active";
    const ours = isOurs(whole);
    const { incident } = deeds;
    this.below.replaceChildren(...(whole.state === "draft" && api.mayWrite ? [new DraftForm(api, whole, (taken) => deeds.made(taken), () => deeds.back()).element] : []));
    this.deedsLine.replaceChildren(...[
      active && ours && api.mayPublish ? button(term("updateIt"), "deed to-update", () => deeds.update(whole)) : null,
      active && ours && api.mayPublish ? button(term("cancelIt"), "deed to-cancel", () => this.cancel()) : null,
      incident && whole.geometry && whole.state !== "draft" ? button(term("toIncident"), "deed to-incident", () => incident(this.whole)) : null,
      active && !ours && api.mayPublish ? element("small", {}, term("othersOnly")) : null,
    ].filter((one) => one !== null));
  }

  private cancel(): void {
    if (this.below.querySelector(".ew-cancel")) this.below.replaceChildren();
    else this.below.replaceChildren(new CancelForm(this.api, this.whole, (taken) => this.deeds.made(taken)).element);
  }
}

/** What is to be said of a message that was just issued here, or handed in. */
export function takenWords(taken: Taken, issued: boolean): string {
  if (!taken.new) return term("heldAlready");
  if (taken.state === "draft") return term("kept");
  return term(issued ? "isIssued" : "isKept");
}
