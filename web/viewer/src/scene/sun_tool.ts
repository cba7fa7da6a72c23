/** 日照: the sun and shadows of a day by true solar time. */

import type { Cartesian3 } from "cesium";
import { button, element } from "../dom";
import { field, slider, tick, type Tool } from "./panel";
import { placeOf } from "./picking";
import { beijingText, clockText, dayOfTerm, instantOf } from "./solar_time";
import type { SunControl } from "./sun";
import { term, type Term } from "./words";

const STEP_H = 1 / 12;
const PLAY_MS = 120;
const FIRST_H = 8;
const LAST_H = 16;
const DAYS: [Term, number][] = [["greatCold", 300], ["winterSolstice", 270], ["summerSolstice", 90]];

export class SunTool implements Tool {
  readonly name = "sun";
  private readonly year = new Date().getFullYear();
  private day = dayOfTerm(this.year, 300);
  private hours = 12;
  private shadows = true;
  private playing = 0;
  private readonly told = element("p", { class: "sun-told" });

  /** `middle` is the place in the middle of the picture. */
  constructor(private readonly sun: SunControl, private readonly middle: () => Cartesian3) {}

  open(card: HTMLElement): void {
    const date = element("input", { type: "date", value: this.day, "aria-label": term("day") });
    const time = slider(0, 24, STEP_H, this.hours, (hours) => this.set({ hours }));
    time.classList.add("sun-time");
    date.addEventListener("change", () => {
      if (date.value) this.set({ day: date.value });
    });
    const days = DAYS.map(([name, longitude]) => button(term(name), "quiet", () => {
      date.value = dayOfTerm(this.year, longitude);
      this.set({ day: date.value });
    }));
    card.append(
      field(term("day"), date), element("div", { class: "scene-choices" }, ...days), field(term("solarTime"), time), this.told,
      tick(term("shadows"), this.shadows, (shadows) => this.set({ shadows })),
      element("div", { class: "scene-choices" }, button(term("playDay"), "quiet", () => this.play(time)), button(term("usualLight"), "quiet", () => {
        this.stop();
        this.sun.usual();
      })),
      element("p", { class: "fine" }, term("sunHint")),
    );
    this.set({});
  }

  close(): void {
    this.stop();
  }

  private set(part: Partial<{ day: string; hours: number; shadows: boolean }>): void {
    Object.assign(this, part);
    const point = this.middle();
    const { lon } = placeOf(point);
    const instant = instantOf(this.day, this.hours, lon);
    this.sun.shine(instant, this.shadows);
    const { azimuth_deg, elevation_deg } = this.sun.placeFrom(point, instant);
    this.told.textContent = `${term("solarTime")} ${clockText(this.hours)} · ${term("beijingTime")} ${beijingText(instant)} · ${term("sunStands")} ${azimuth_deg.toFixed(1)}° / ${elevation_deg.toFixed(1)}°`;
    Object.assign(this.told.dataset, { azimuth: azimuth_deg.toFixed(3), elevation: elevation_deg.toFixed(3), instant: new Date(instant).toISOString() });
  }

  private play(time: HTMLInputElement): void {
    if (this.playing) {
      this.stop();
      return;
    }
    this.hours = FIRST_H;
    this.playing = window.setInterval(() => {
      this.hours = this.hours + STEP_H > LAST_H ? FIRST_H : this.hours + STEP_H;
      time.value = String(this.hours);
      this.set({});
    }, PLAY_MS);
  }

  private stop(): void {
    window.clearInterval(this.playing);
    this.playing = 0;
  }
}
