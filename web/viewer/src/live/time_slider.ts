/** The time slider: the map shows the means of an hour, or a day, of the past; it can be played. */

import { button, element, say } from "../dom";
import { valuesAt, type ObservedProperty } from "./api";
import type { PastValues } from "./looks";
import { codeOf } from "./store";
import { moment, term, type LiveTerm } from "./words";

const HOUR_MS = 3_600_000, DAY_MS = 24 * HOUR_MS;
const SPANS: { name: LiveTerm; steps: number; bucket: "hour" | "day" }[] = [
  { name: "hours24", steps: 24, bucket: "hour" }, { name: "days3", steps: 72, bucket: "hour" },
  { name: "days7", steps: 168, bucket: "hour" }, { name: "days30", steps: 30, bucket: "day" },
];
const PLAY_MS = 700;
const AHEAD = 3;
const MOST_KEPT = 400;

export class TimeSlider {
  private span = SPANS[0] as (typeof SPANS)[number];
  private end = 0;
  private place = 0;
  private timer = 0;
  private readonly kept = new Map<string, Promise<Map<string, number>>>();
  private readonly slider = element("input", { type: "range", min: "0", step: "1", class: "time", "aria-label": term("past") });
  private readonly told = element("b", { class: "time-told" });
  private readonly note = element("span", { class: "fine" });
  private readonly player = button("▶", "play", () => (this.timer ? this.pause() : this.play()));
  private asked = 0;

  /** `shown` is told what the map is to show, null for what is now; `indicator` is what values are shown of. */
  constructor(private readonly box: HTMLElement, private readonly indicator: () => ObservedProperty | null, private readonly shown: (past: PastValues | null) => void) {
    this.slider.addEventListener("input", () => {
      this.pause();
      void this.show(Number(this.slider.value));
    });
  }

  get isOpen(): boolean {
    return this.box.classList.contains("open");
  }

  toggle(open = !this.isOpen): void {
    this.pause();
    if (open && !this.indicator()) {
      say(term("chooseIndicator"));
      return;
    }
    this.box.classList.toggle("open", open);
    if (!open) {
      this.asked += 1;
      this.shown(null);
      return;
    }
    const spans = element("select", { "aria-label": term("span") }, ...SPANS.map((one) => element("option", { value: one.name }, term(one.name))));
    spans.value = this.span.name;
    spans.addEventListener("change", () => this.choose(SPANS.find((one) => one.name === spans.value) ?? this.span));
    this.player.setAttribute("aria-label", term("play"));
    this.box.replaceChildren(this.player, this.slider, this.told, spans, this.note, button(term("backToNow"), "link now", () => this.toggle(false)));
    this.choose(this.span);
  }

  /** Another indicator was chosen. */
  renew(): void {
    if (!this.isOpen) return;
    if (this.indicator()) void this.show(this.place);
    else this.toggle(false);
  }

  private choose(span: (typeof SPANS)[number]): void {
    this.pause();
    this.span = span;
    const width = span.bucket === "hour" ? HOUR_MS : DAY_MS;
    this.end = span.bucket === "hour" ? Math.floor(Date.now() / width) * width : Math.floor((Date.now() + 8 * HOUR_MS) / width) * width - 8 * HOUR_MS;
    this.slider.max = String(span.steps - 1);
    void this.show(span.steps - 1);
  }

  private at(place: number): number {
    return this.end - (this.span.steps - 1 - place) * (this.span.bucket === "hour" ? HOUR_MS : DAY_MS);
  }

  private async show(place: number): Promise<void> {
    const mine = ++this.asked;
    const indicator = this.indicator();
    if (!indicator) return;
    this.place = place;
    this.slider.value = String(place);
    const at = this.at(place);
    this.told.textContent = this.span.bucket === "day" ? new Date(at).toLocaleDateString("sv-SE", { timeZone: "Asia/Shanghai" }) : `${moment(new Date(at))}–${new Date(at + HOUR_MS).toLocaleTimeString("sv-SE", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit" })}`;
    this.slider.setAttribute("aria-valuetext", this.told.textContent);
    try {
      const means = await this.values(indicator, at);
      if (mine !== this.asked) return;
      this.note.textContent = means.size ? `${term("shownPast")} · ${means.size} ${term("devices")}` : term("nothingThen");
      this.shown({ indicator: codeOf(indicator), means });
      this.box.dataset["shown"] = new Date(at).toISOString();
      for (let next = 1; this.timer && next <= AHEAD && place + next < this.span.steps; next += 1) void this.values(indicator, this.at(place + next)).catch(() => undefined);
    } catch (error) {
      if (mine !== this.asked) return;
      this.pause();
      this.note.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  /** The means of one bucket; those that are over are asked for once. */
  private values(indicator: ObservedProperty, at: number): Promise<Map<string, number>> {
    const { bucket } = this.span, code = codeOf(indicator), key = `${code} ${bucket} ${at}`;
    const held = this.kept.get(key);
    if (held && at < this.end) return held;
    const asked = valuesAt(code, new Date(at).toISOString(), bucket).then((columns) => {
      const means = new Map<string, number>();
      columns.code.forEach((device, place) => {
        const mean = columns.mean[place];
        if (mean != null) means.set(device, mean);
      });
      return means;
    });
    if (this.kept.size >= MOST_KEPT) this.kept.clear();
    this.kept.set(key, asked);
    asked.catch(() => this.kept.delete(key));
    return asked;
  }

  private play(): void {
    if (this.place >= this.span.steps - 1) this.place = -1;
    this.player.textContent = "❚❚";
    this.player.setAttribute("aria-label", term("pause"));
    const next = (): void => {
      this.timer = window.setTimeout(() => {
        void this.show(this.place + 1).then(() => {
          if (this.timer && this.place < this.span.steps - 1) next();
          else this.pause();
        });
      }, PLAY_MS);
    };
    next();
  }

  private pause(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    this.player.textContent = "▶";
    this.player.setAttribute("aria-label", term("play"));
  }
}
