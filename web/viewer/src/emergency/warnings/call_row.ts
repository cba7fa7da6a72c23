/** One person who was called: for what, by when to confirm, who is next; and confirming for him. */

import { element } from "../../dom";
import { duration, moment } from "../../live/words";
import { formOf, submitButton } from "../forms";
import type { Call, Step } from "./api";
import { callStateName, dutyName, noteText, term } from "./words";

const HOUR_MS = 3_600_000;
const MOST_SUBJECTS = 6;

export class CallRow {
  readonly element = element("article", {});
  private readonly facts = element("div", {});
  private readonly by = element("input", { name: "by", maxlength: "100", placeholder: term("answeredBy"), "aria-label": term("answeredBy") });
  private readonly note = element("input", { name: "note", maxlength: "2000", placeholder: term("confirmNote"), "aria-label": term("confirmNote") });
  private readonly form: HTMLElement;
  private readonly clock = element("span", { class: "ew-clock" });

  constructor(private call: Call, confirm: (call: number, by: string, note: string) => void) {
    const fields = formOf("em-inline", () => confirm(call.id, this.by.value.trim(), this.note.value.trim()), this.by, this.note, submitButton(term("confirm"), "deed confirm-call"));
    this.form = element("details", { class: "ew-confirm" }, element("summary", {}, term("confirm")), fields);
    this.element.append(this.facts, this.form);
    this.element.dataset["call"] = String(call.id);
  }

  /** The call as it is now, with what happened to it. */
  renew(call: Call, receipts: Step[]): void {
    this.call = call;
    this.element.className = `ew-call ${call.state}`;
    this.form.hidden = call.state === "confirmed" || call.state === "withdrawn";
    const handed = receipts.findLast((one) => one.action === "escalated" || one.action === "silent");
    const taken = receipts.findLast((one) => one.action === "confirmed");
    const lines = [
      element("p", { class: "ew-call-head" }, element("b", {}, call.name), element("small", {}, dutyName(call.duty)), phone(call), element("span", { class: "ew-call-state" }, callStateName(call.state))),
      element("p", { class: "ew-subjects" }, `${term("answersFor")}：${subjects(call)}`),
      call.level > 0 ? element("p", { class: "ew-escalated" }, term("escalated")) : null,
      handed && call.state === "silent" ? element("p", { class: "ew-handed" }, `${moment(handed.at)} ${noteText(handed.note)}`) : null,
      call.state === "confirmed" ? element("p", { class: "ew-confirmed" }, [`✓ ${call.confirmed_at ? moment(call.confirmed_at) : ""}`, call.confirmed_by, taken?.note].filter(Boolean).join(" · ")) : this.clock,
      call.state === "waiting" ? element("p", { class: "fine" }, next(call)) : null,
    ];
    this.facts.replaceChildren(...lines.filter((one) => one !== null));
    this.tick();
  }

  /** The time that is left, anew. */
  tick(): void {
    const left = Date.parse(this.call.answer_by) - Date.now();
    this.clock.hidden = this.call.state === "withdrawn";
    this.clock.textContent = left >= 0 ? `${term("confirmBy")} ${moment(this.call.answer_by)} ${term("before")} · ${term("left")} ${countdown(left)}` : `${term("overdue")} ${duration(-left)}`;
    this.clock.classList.toggle("late", left < 0);
  }
}

function countdown(left: number): string {
  if (left >= HOUR_MS) return duration(left);
  const seconds = Math.floor(left / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function phone(call: Call): HTMLElement | null {
  return call.phone ? element("a", { href: `tel:${call.phone}` }, call.phone) : null;
}

function subjects(call: Call): string {
  const names = call.subjects.slice(0, MOST_SUBJECTS).map((one) => one.name || one.key).join("、");
  return call.subjects.length > MOST_SUBJECTS ? `${names} … ${call.subjects.length}` : names;
}

function next(call: Call): string {
  const [first] = call.next;
  return first ? `${term("next")}：${first.name}${first.phone ? ` ${first.phone}` : ""}` : term("nobodyNext");
}
