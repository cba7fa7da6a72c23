/** The list of alarms: the open ones by severity with the time they run, what may be done to them, and those of the past. */

import { button, element, say } from "../dom";
import { word } from "../i18n";
import type { Session } from "../api";
import { actOn, alarmSteps, pastAlarms, SEVERITIES, type Alarm, type AlarmStep } from "./api";
import type { AlarmStore } from "./alarm_store";
import type { LiveStore } from "./store";
import { duration, isTerm, moment, plainNumber, term } from "./words";

const TICK_MS = 20_000;

export interface AlarmActions {
  /** Go to the place of an alarm. */
  jump(alarm: Alarm): void;
  device(code: string): void;
  /** Make the draft of a warning of an alarm. */
  warn(alarm: Alarm): void;
}

export class AlarmList {
  private readonly list = element("div", { class: "alarm-list", "aria-live": "polite" });
  private readonly tabs = element("div", { class: "tabs", role: "tablist" });
  private past: Alarm[] | null = null;
  private readonly unfolded = new Set<string>();
  private timer = 0;

  constructor(private readonly box: HTMLElement, private readonly session: Session, private readonly store: AlarmStore, private readonly devices: LiveStore, private readonly actions: AlarmActions) {}

  get isOpen(): boolean {
    return this.box.classList.contains("open");
  }

  toggle(open = !this.isOpen): void {
    this.box.classList.toggle("open", open);
    clearInterval(this.timer);
    if (!open) return;
    const head = element("div", { class: "results-head" }, element("h2", {}, term("alarms")), button("×", "quiet close", () => this.toggle(false)));
    head.querySelector(".close")?.setAttribute("aria-label", word("close"));
    const rights = this.mayAct ? null : element("p", { class: "fine" }, term("actNeedsRight"));
    this.tabs.replaceChildren(this.tab("openOnes", () => this.showOpen()), this.tab("history", () => void this.showPast()));
    this.box.replaceChildren(head, this.tabs, this.list, ...(rights ? [rights] : []));
    this.showOpen();
    this.timer = window.setInterval(() => this.tick(), TICK_MS);
  }

  /** Draw what is open now; what somebody is writing stays. */
  renew(): void {
    if (this.isOpen && !this.past) this.draw(this.store.list());
  }

  private get mayAct(): boolean {
    return this.session.operations.includes("import");
  }

  private tab(name: "openOnes" | "history", show: () => void): HTMLButtonElement {
    const made = button(term(name), "tab", () => {
      for (const one of this.tabs.children) one.setAttribute("aria-selected", String(one === made));
      show();
    });
    made.setAttribute("role", "tab");
    made.setAttribute("aria-selected", String(name === "openOnes"));
    return made;
  }

  private showOpen(): void {
    this.past = null;
    this.draw(this.store.list());
  }

  private async showPast(): Promise<void> {
    this.past = [];
    this.list.replaceChildren(element("p", { class: "none" }, word("loading")));
    try {
      this.past = await pastAlarms();
      this.draw(this.past);
    } catch (error) {
      this.list.replaceChildren(element("p", { class: "caution" }, error instanceof Error ? error.message : String(error)));
    }
  }

  private draw(alarms: Alarm[]): void {
    if (this.list.querySelector("input:focus")) {
      this.tick();
      this.list.querySelector("input:focus")?.addEventListener("blur", () => setTimeout(() => this.renew(), 200), { once: true });
      return;
    }
    if (!alarms.length) {
      this.list.replaceChildren(this.nothing());
      return;
    }
    const groups = this.past ? [alarms] : SEVERITIES.map((severity) => alarms.filter((one) => one.severity === severity)).filter((group) => group.length);
    this.list.replaceChildren(
      ...(this.store.problem ? [element("p", { class: "caution" }, this.store.problem)] : []),
      ...groups.flatMap((group) => group.map((alarm) => this.card(alarm))),
      ...(this.store.more && !this.past ? [element("p", { class: "fine" }, term("limitedList"))] : []),
    );
  }

  private nothing(): HTMLElement {
    if (this.past) return element("p", { class: "none" }, term("noPast"));
    if (this.store.problem) return element("p", { class: "caution" }, this.store.problem);
    if (!this.store.known) return element("p", { class: "none" }, word("loading"));
    return element("p", { class: "all-quiet" }, element("span", { class: "quiet-sign", "aria-hidden": "true" }, "✓"), term("quiet"), element("small", {}, term("noAlarms")));
  }

  private card(alarm: Alarm): HTMLElement {
    const open = alarm.state === "raised" || alarm.state === "acknowledged";
    const end = alarm.cleared_at ?? alarm.last_at ?? alarm.raised_at;
    const time = element("span", open ? { class: "running", "data-since": alarm.raised_at } : {}, open ? "" : `${term("lasted")} ${duration(Date.parse(end) - Date.parse(alarm.raised_at))}`);
    const stream = this.devices.streams.get(alarm.datastream ?? -1);
    const made = element(
      "article", { class: `alarm ${alarm.severity}`, "data-alarm": alarm.code, "data-state": alarm.state },
      element("div", { class: "alarm-head" }, element("b", {}, alarm.title), element("span", { class: `state alarm-${alarm.state}` }, term(alarm.state))),
      alarm.text ? element("p", {}, alarm.text) : null,
      element("p", { class: "alarm-facts" }, this.value(alarm, stream?.property.unit ?? ""), moment(alarm.raised_at), " ", time, alarm.count > 1 ? ` · ${alarm.count} ${term("times")}` : ""),
      alarm.acknowledged_by ? element("p", { class: "fine" }, `${alarm.acknowledged_by} ${term("acknowledge")} ${alarm.acknowledged_at ? moment(alarm.acknowledged_at) : ""}`) : null,
      element(
        "div", { class: "alarm-links" },
        alarm.position ? button(term("jump"), "link jump", () => this.actions.jump(alarm)) : element("small", {}, term("noPosition")),
        stream ? button(term("toDevice"), "link", () => this.actions.device(stream.device)) : null,
        this.mayAct && open && alarm.position ? button(term("toWarning"), "link to-warning", () => this.actions.warn(alarm)) : null,
        this.course(alarm),
      ),
      this.mayAct ? this.deeds(alarm) : null,
    );
    this.tick(made);
    return made;
  }

  private value(alarm: Alarm, unit: string): string {
    const value = alarm.last_value ?? alarm.value;
    return value === null ? "" : `${plainNumber(value)} ${unit} · `;
  }

  /** What happened to it, asked for when somebody wants to read it. */
  private course(alarm: Alarm): HTMLElement {
    const steps = element("ol", { class: "alarm-steps" });
    const made = element("details", {}, element("summary", {}, term("course")), steps);
    made.addEventListener("toggle", () => {
      this.unfolded[made.open ? "add" : "delete"](alarm.code);
      if (!made.open) return;
      alarmSteps(alarm.code)
        .then((found) => steps.replaceChildren(...found.map(stepLine)))
        .catch((error: unknown) => steps.replaceChildren(element("li", { class: "caution" }, error instanceof Error ? error.message : String(error))));
    });
    if (this.unfolded.has(alarm.code)) made.open = true;
    return made;
  }

  private deeds(alarm: Alarm): HTMLElement | null {
    const allowed = ([["acknowledge", alarm.state === "raised" || (alarm.state === "cleared" && !alarm.acknowledged_at)], ["clear", alarm.state === "raised" || alarm.state === "acknowledged"]] as const).filter(([, may]) => may);
    if (!allowed.length) return null;
    const note = element("input", { class: "note", placeholder: term("note"), "aria-label": term("note"), maxlength: "2000" });
    const act = async (action: "acknowledge" | "clear"): Promise<void> => {
      try {
        this.store.put(await actOn(alarm.code, action, note.value, this.session.csrf));
        note.blur();
      } catch (error) {
        say(error instanceof Error ? error.message : String(error), "error");
      }
      if (this.past) await this.showPast();
      else this.renew();
    };
    return element("div", { class: "alarm-deeds" }, note, ...allowed.map(([action]) => button(term(action), `deed ${action}`, () => void act(action))));
  }

  private tick(within: HTMLElement = this.list): void {
    for (const one of within.querySelectorAll<HTMLElement>(".running")) one.textContent = `${term("running")} ${duration(Date.now() - Date.parse(one.dataset["since"] ?? ""))}`;
  }
}

function stepLine(step: AlarmStep): HTMLElement {
  const what = isTerm(step.action) ? term(step.action) : step.action;
  return element("li", {}, `${moment(step.at)} ${what} · ${step.actor}`, step.note ? element("span", { class: "step-note" }, `：${step.note}`) : null);
}
