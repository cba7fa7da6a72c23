/** 叫应: calling the people in charge, and who has confirmed; looked at again as long as the tab is open. */

import { button, element } from "../../dom";
import { moment } from "../../live/words";
import { problemLine, trying } from "../forms";
import type { Call, Calls, CallState, MadeCalls, Step, Whole, WarningsApi } from "./api";
import { CallRow } from "./call_row";
import { callStateName, noteText, term } from "./words";

const LOOK_EVERY_MS = 5_000;
const TICK_MS = 1_000;
const ORDER: CallState[] = ["silent", "waiting", "confirmed", "withdrawn"];
const MOST_WITHOUT = 30;

export class CallsTab {
  readonly element = element("div", { class: "ew-calls" });
  private readonly make = button(term("makeCalls"), "deed main-deed make-calls", () => void this.call());
  private readonly made = element("div", { class: "ew-made", role: "status" });
  private readonly problem = problemLine();
  private readonly notRead = problemLine();
  private readonly counts = element("p", { class: "ew-counts" });
  private readonly failedSends = element("div", { class: "ew-not-delivered", role: "alert", hidden: "" });
  private readonly list = element("div", { "aria-live": "polite" });
  private readonly rows = new Map<number, CallRow>();
  private whole: Whole | null = null;
  private timers: number[] = [];

  constructor(private readonly api: WarningsApi) {
    this.element.append(this.make, this.problem, this.notRead, this.made, this.failedSends, this.counts, this.list);
  }

  renew(whole: Whole): void {
    this.whole = whole;
    this.make.hidden = !this.api.mayWrite || whole.state !== "active" || !whole.geometry;
  }

  /** Begin to look, when the tab is chosen. */
  opened(): void {
    this.end();
    if (!this.api.mayWrite) {
      this.list.replaceChildren(element("p", { class: "none" }, term("callsNeedRight")));
      return;
    }
    void this.look();
    this.timers = [window.setInterval(() => void this.look(), LOOK_EVERY_MS), window.setInterval(() => this.tick(), TICK_MS)];
  }

  end(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
  }

  private async call(): Promise<void> {
    const code = this.whole?.code ?? "";
    this.make.disabled = true;
    this.make.textContent = term("calling");
    await trying(this.problem, async () => this.tellMade(await this.api.call(code)));
    this.make.disabled = false;
    await this.look();
  }

  private tellMade(made: MadeCalls): void {
    const without = made.without.slice(0, MOST_WITHOUT).map((one) => one.name || one.key).join("、");
    this.made.replaceChildren(
      element("p", {}, `${term("called")} ${made.called} ${term("people")}，${term("alreadyCalled")} ${made.already_called} ${term("people")}；${term("within")} ${made.answer_within_min} ${term("minutes")}；${term("channels")} ${made.channels.join("、")}`),
      ...(made.without_count ? [element("p", { class: "ew-without" }, `${term("without")} ${made.without_count}：${without}${made.without_count > MOST_WITHOUT ? " …" : ""}`)] : []),
      ...(made.missing.length ? [element("p", { class: "ew-without" }, `${term("unknownLayers")}：${made.missing.join("、")}`)] : []),
    );
  }

  private async look(): Promise<void> {
    const code = this.whole?.code;
    if (!code || document.hidden) return;
    const done = await trying(this.notRead, async () => this.draw(await this.api.calls(code)));
    if (!done) return;
    this.make.textContent = term(this.rows.size ? "callAgain" : "makeCalls");
    if (this.rows.size && !this.make.hidden && !this.made.childElementCount) this.made.replaceChildren(element("small", {}, term("pressAgain")));
  }

  private draw(found: Calls): void {
    this.counts.replaceChildren(...ORDER.filter((state) => found.calls.length && (found.counts[state] || state !== "withdrawn")).map((state) => element("span", { class: `ew-total ${state}` }, `${callStateName(state)} ${found.counts[state]}`)));
    this.tellNotDelivered(found);
    const wanted = [...found.calls].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.answer_by.localeCompare(b.answer_by) || a.id - b.id);
    const elements = wanted.map((one) => this.row(one, found.receipts.filter((receipt) => receipt.call === one.id)));
    if (!elements.length) elements.push(element("p", { class: "none" }, term(this.whole?.state === "active" ? "noCalls" : "notInForce")));
    if (elements.some((one, place) => this.list.children[place] !== one) || this.list.children.length !== elements.length) this.place(elements);
  }

  /** Rows in their order; the one that somebody writes in is not taken out of the page. */
  private place(elements: HTMLElement[]): void {
    if (this.list.querySelector("input:focus")) return;
    this.list.replaceChildren(...elements);
  }

  private row(call: Call, receipts: Step[]): HTMLElement {
    const row = this.rows.get(call.id) ?? new CallRow(call, (id, by, note) => void this.confirm(id, by, note));
    this.rows.set(call.id, row);
    row.renew(call, receipts);
    return row.element;
  }

  private tellNotDelivered({ receipts, calls }: Calls): void {
    const failed = receipts.filter((one) => one.action === "not delivered");
    this.failedSends.hidden = !failed.length;
    this.failedSends.replaceChildren(
      element("b", {}, `${term("notDelivered")} ${failed.length}`),
      element("ul", {}, ...failed.map((one) => element("li", {}, [moment(one.at), calls.find((call) => call.id === one.call)?.name, one.actor, noteText(one.note)].filter(Boolean).join(" · ")))),
    );
  }

  private async confirm(call: number, by: string, note: string): Promise<void> {
    const done = await trying(this.problem, () => this.api.confirm(this.whole?.code ?? "", call, by, note));
    if (done && document.activeElement instanceof HTMLElement) document.activeElement.blur();
    await this.look();
  }

  private tick(): void {
    for (const row of this.rows.values()) row.tick();
  }
}
