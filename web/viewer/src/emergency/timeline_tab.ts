/** The timeline of an incident, the newest entry on top, and a line to add to it. */

import { button, element } from "../dom";
import { moment } from "../live/words";
import type { Entry } from "./api";
import { formOf, problemLine, submitButton } from "./forms";
import { analysisName, areasOf } from "./kept_areas";
import { markTerm } from "./marks/words";
import { symbolName } from "./symbols";
import { entryName, gradeName, levelName, term, type Term } from "./words";
import type { Shown, Tab, Work } from "./work";

const OWN = ["note", "situation", "command"];
const CHANGED: Record<string, Term> = { title: "title", figures: "figures", grade: "declaredGrade", response_level: "responseLevel", place_text: "place", kind: "kind", state: "open" };

export class TimelineTab implements Tab {
  readonly element = element("div", { class: "em-timeline" });
  private readonly list = element("ol", { class: "em-entries", "aria-live": "polite" });
  private readonly text = element("textarea", { rows: "2", maxlength: "10000", placeholder: term("entryText"), "aria-label": term("entryText") });
  private readonly kind = element("select", { "aria-label": term("timeline") }, ...OWN.map((one) => element("option", { value: one }, entryName(one))));
  private readonly problem = problemLine();
  private readonly form: HTMLElement;

  constructor(private readonly work: Work) {
    this.form = formOf("em-entry-form", () => void this.add(), this.text, element("div", { class: "em-inline" }, this.kind, submitButton(term("addEntry"))), this.problem);
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void this.add();
    });
    this.element.append(this.form, this.list);
  }

  /** A closed incident still takes entries: what came to be known later. */
  renew({ whole, at }: Shown): void {
    this.form.hidden = at !== null || !this.work.api.mayWrite;
    this.list.replaceChildren(...[...whole.entries].reverse().map((entry) => row(entry, this.areaSwitch(entry))));
  }

  /** Of an analysis that drew something: puts it on the map, or takes it off. */
  private areaSwitch(entry: Entry): HTMLElement | null {
    if (!areasOf(entry).length) return null;
    const shown = this.work.areas.shown(entry);
    const made = button(markTerm(shown ? "hideAreas" : "showAreas"), "deed em-areas", () => this.work.areas.toggle(entry));
    made.setAttribute("aria-pressed", String(shown));
    return made;
  }

  private async add(): Promise<void> {
    const text = this.text.value.trim();
    if (!text) {
      this.problem.textContent = term("needText");
      return;
    }
    if (await this.work.write(this.problem, () => this.work.api.add(this.work.code, "entries", { kind: this.kind.value, text }))) this.text.value = "";
  }
}

function row(entry: Entry, areas: HTMLElement | null): HTMLElement {
  const time = element("time", { datetime: entry.at, title: new Date(entry.at).toLocaleString() }, moment(entry.at));
  return element(
    "li", { class: `em-entry ${entry.kind}`, "data-number": String(entry.number) }, time, element("span", { class: "em-entry-kind" }, entryName(entry.kind)),
    element("span", { class: "em-entry-text" }, textOf(entry)), element("small", {}, entry.author, areas),
  );
}

/** The text of an entry; of a report also to whom it went, of a change what was changed. */
export function textOf({ kind, text, body }: Entry): string {
  const parts = text ? [kind === "mark" ? text.replace(/[a-z-]+$/, symbolName) : text] : [];
  if (kind === "report") parts.unshift(`→ ${levelOf(body["to"])}（${reportOf(body["kind"])}）`);
  if (kind === "analysis") parts.unshift(...[analysisName(body), summaryOf(body["summary"])].filter(Boolean));
  const fields = Array.isArray(body["fields"]) ? (body["fields"] as { field: string; before: unknown; after: unknown }[]) : [];
  for (const { field, before, after } of fields) {
    const name = CHANGED[field];
    if (name && field !== "state" && field !== "figures") parts.push(`${term(name)}：${valueOf(field, before)} → ${valueOf(field, after)}`);
    else if (name && field === "figures") parts.push(term("updateFigures"));
  }
  return parts.join("；");
}

/** What was concluded, where it is one line. */
function summaryOf(summary: unknown): string {
  return typeof summary === "string" ? summary : "";
}

function valueOf(field: string, value: unknown): string {
  if (field === "grade") return gradeName((value as "I" | null) ?? null);
  if (field === "response_level") return levelName((value as "I" | null) ?? null);
  return value === null || value === undefined || value === "" ? "—" : String(value);
}

function levelOf(to: unknown): string {
  return to === "city" || to === "province" || to === "state" ? term(to) : String(to);
}

function reportOf(kind: unknown): string {
  return kind === "first" || kind === "follow" || kind === "final" ? term(kind) : String(kind);
}
