/** 漫游: draw a way, fly along it. */

import { type Cartesian3, type Scene } from "cesium";
import { button, element } from "../dom";
import { Flight } from "./flight";
import { field, slider, type Tool } from "./panel";
import type { Sketch } from "./sketch";
import { term } from "./words";

export class FlightTool implements Tool {
  readonly name = "flight";
  private points: Cartesian3[] = [];
  private above_m = 80;
  private speed_m_s = 60;
  private readonly flight: Flight;
  private readonly bar = element("progress", { max: "1", value: "0" });

  constructor(scene: Scene, private readonly sketch: Sketch) {
    this.flight = new Flight(scene, (share) => {
      this.bar.value = share;
    });
  }

  open(card: HTMLElement): void {
    const above = element("output", {}, `${this.above_m} m`);
    const speed = element("output", {}, `${this.speed_m_s} m/s`);
    const start = button(term("fly"), "quiet fly", () => this.fly());
    const draw = (): void => this.sketch.start({
      least: 2, closed: false, onGround: true,
      done: (points) => {
        this.points = [...points];
        this.flight.along(this.points, this.above_m);
        start.disabled = false;
      },
    });
    start.disabled = this.points.length < 2;
    card.append(
      element("div", { class: "scene-choices" }, button(term("drawWay"), "quiet draw-way", draw), start, button(term("halt"), "quiet", () => this.flight.stop())),
      element("p", { class: "fine" }, term("sketchHint")),
      field(term("above"), element("span", { class: "with-output" }, slider(5, 1000, 5, this.above_m, (value) => {
        this.above_m = value;
        above.textContent = `${value} m`;
        if (this.points.length > 1) this.flight.along(this.points, value);
      }), above)),
      field(term("speed"), element("span", { class: "with-output" }, slider(5, 400, 5, this.speed_m_s, (value) => {
        this.speed_m_s = value;
        speed.textContent = `${value} m/s`;
      }), speed)),
      this.bar,
    );
  }

  close(): void {
    this.flight.stop();
    this.sketch.clear();
  }

  private fly(): void {
    this.sketch.clear();
    this.flight.start(this.speed_m_s);
  }
}
