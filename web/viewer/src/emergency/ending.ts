/** The foot of an open incident: its situation report, and closing it or opening it again. */

import { download } from "../api";
import { button, element } from "../dom";
import { path, type ReportKind } from "./api";
import { formOf, problemLine, submitButton, trying } from "./forms";
import { term } from "./words";
import type { Shown, Tab, Work } from "./work";

const REPORTS: ReportKind[] = ["first", "follow", "final"];

export class Ending implements Tab {
  readonly element = element("footer", { class: "em-ending" });
  private readonly kind = element("select", { "aria-label": term("situation") }, ...REPORTS.map((one) => element("option", { value: one }, term(one))));
  private readonly get = button(term("download"), "deed download-report", () => void this.download());
  private readonly note = element("input", { maxlength: "10000", name: "closing-note" });
  private readonly summary = element("summary", {});
  private readonly sure = submitButton("", "deed");
  private readonly problem = problemLine();
  private readonly closing: HTMLDetailsElement;
  private shown: Shown | null = null;

  constructor(private readonly work: Work) {
    this.closing = element("details", { class: "em-closing" }, this.summary, formOf("em-inline", () => void this.turn(), this.note, this.sure));
    this.element.append(element("div", { class: "em-inline" }, element("span", {}, term("situation")), this.kind, this.get), this.closing, this.problem);
  }

  renew(shown: Shown): void {
    this.shown = shown;
    const open = shown.whole.state === "open";
    this.closing.hidden = shown.at !== null || !this.work.api.mayWrite;
    this.summary.textContent = term(open ? "close" : "reopen");
    this.note.placeholder = term(open ? "closeNote" : "reopenNote");
    this.sure.textContent = term(open ? "confirmClose" : "reopen");
  }

  private async turn(): Promise<void> {
    const whole = this.shown?.whole;
    if (!whole) return;
    const action = whole.state === "open" ? "close" : "reopen";
    if (!(await this.work.write(this.problem, () => this.work.api.add(this.work.code, action, { revision: whole.revision, note: this.note.value.trim() })))) return;
    this.note.value = "";
    this.closing.open = false;
  }

  private async download(): Promise<void> {
    const kind = this.kind.value as ReportKind;
    this.get.disabled = true;
    this.get.textContent = term("making");
    const name = `${this.shown?.whole.drill ? "演练-" : ""}${this.work.code}-${term(kind)}.docx`;
    await trying(this.problem, () => download(path(this.work.code, `report?kind=${kind}`), name));
    this.get.disabled = false;
    this.get.textContent = term("download");
  }
}
