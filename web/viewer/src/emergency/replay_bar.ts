/** Replay: the incident as it stood at each entry of its timeline. */

import { button, element } from "../dom";
import { moment } from "../live/words";
import type { Entry, Whole } from "./api";
import { problemLine, trying } from "./forms";
import { term } from "./words";
import type { Work } from "./work";

const STEP_MS = 1200;

export class ReplayBar {
  readonly element = element("div", { class: "em-replay" });
  private readonly slider = element("input", { type: "range", min: "1", step: "1", "aria-label": term("replay") });
  private readonly told = element("span", { class: "em-replay-told" });
  private readonly play = button("▶", "em-play", () => this.toggle());
  private readonly back = button(term("toNow"), "deed", () => this.stop());
  private readonly problem = problemLine();
  private entries: Entry[] = [];
  private timer = 0;
  private asked = 0;
  private on = false;

  /** `show` gets the incident at a moment, or null for now. */
  constructor(private readonly work: Work, private readonly show: (whole: Whole | null, at: string | null) => void) {
    this.slider.addEventListener("input", () => void this.go());
    this.element.append(element("span", {}, term("replay")), this.play, this.slider, this.told, this.back, this.problem);
    this.play.setAttribute("aria-label", term("play"));
    this.tell();
  }

  renew(entries: Entry[]): void {
    this.entries = entries;
    this.element.hidden = entries.length < 2 && !this.on;
    this.slider.max = String(Math.max(1, entries.length));
    if (!this.on) this.slider.value = this.slider.max;
    this.tell();
  }

  stop(): void {
    this.pause();
    this.on = false;
    this.asked += 1;
    this.slider.value = this.slider.max;
    this.tell();
    this.show(null, null);
  }

  end(): void {
    this.pause();
  }

  private toggle(): void {
    if (this.timer) {
      this.pause();
      return;
    }
    if (this.slider.value === this.slider.max) this.slider.value = "1";
    else this.slider.value = String(Number(this.slider.value) + 1);
    this.play.textContent = "❚❚";
    this.play.setAttribute("aria-label", term("pause"));
    this.timer = window.setInterval(() => {
      if (this.slider.value === this.slider.max) this.pause();
      else {
        this.slider.value = String(Number(this.slider.value) + 1);
        void this.go();
      }
    }, STEP_MS);
    void this.go();
  }

  private pause(): void {
    clearInterval(this.timer);
    this.timer = 0;
    this.play.textContent = "▶";
    this.play.setAttribute("aria-label", term("play"));
  }

  private async go(): Promise<void> {
    const entry = this.entries[Number(this.slider.value) - 1];
    if (!entry) return;
    this.on = true;
    this.tell();
    const mine = ++this.asked;
    await trying(this.problem, async () => {
      const whole = await this.work.api.replay(this.work.code, entry.at);
      if (mine === this.asked && this.on) this.show(whole, entry.at);
    });
  }

  private tell(): void {
    const entry = this.entries[Number(this.slider.value) - 1];
    this.element.classList.toggle("on", this.on);
    this.back.hidden = !this.on;
    this.told.textContent = this.on && entry ? `${moment(entry.at)}（${term("replayed")}）` : "";
  }
}
