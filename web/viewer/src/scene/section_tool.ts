/** 剖切: a plane through a model or through all, or an area cut out of the city. */

import type { Cartesian3 } from "cesium";
import { button, element } from "../dom";
import { text } from "../i18n";
import { choice, field, slider, tick, type Tool } from "./panel";
import type { Direction, Section, Sections } from "./section";
import type { Sketch } from "./sketch";
import type { Tilesets } from "./tilesets";
import { term } from "./words";

const ALL = "*";

export class SectionTool implements Tool {
  readonly name = "section";
  private wanted: Section = { target: null, direction: "facing", offset: 0, turned: false };
  private area: Cartesian3[] | null = null;
  private alone = false;

  /** `middle` is the place in the middle of the picture. */
  constructor(private readonly sections: Sections, private readonly tilesets: Tilesets, private readonly sketch: Sketch, private readonly middle: () => Cartesian3 | null) {}

  open(card: HTMLElement): void {
    const shown = this.tilesets.all.filter((held) => held.tileset?.show);
    const targets: [string, string][] = [[ALL, term("everything")], ...shown.map((held): [string, string] => [held.source.id, text(held.source.title)])];
    const directions: [Direction, string][] = [["facing", term("facing")], ["level", term("levelPlane")], ["east", term("eastPlane")], ["north", term("northPlane")]];
    const offset = slider(-1, 1, 0.01, this.wanted.offset, (value) => this.change({ offset: value }));
    offset.classList.add("section-offset");
    card.append(
      field(term("cutWhat"), choice(targets, this.wanted.target ?? ALL, (id) => this.change({ target: id === ALL ? null : id, offset: 0 }))),
      field(term("direction"), choice(directions, this.wanted.direction, (direction) => this.change({ direction: direction as Direction }))),
      field(term("position"), offset),
      tick(term("otherSide"), this.wanted.turned, (turned) => this.change({ turned })),
      element("div", { class: "scene-choices" },
        button(term("cutNow"), "quiet cut-now", () => this.sections.cut(this.wanted, this.middle())),
        button(term("cutNoMore"), "quiet cut-none", () => this.sections.cut(null, null))),
      element("h3", {}, term("areaSection")),
      tick(term("areaAlone"), this.alone, (alone) => {
        this.alone = alone;
        if (this.area) this.sections.around(this.area, alone);
      }),
      element("div", { class: "scene-choices" },
        button(term("drawArea"), "quiet", () => this.draw()),
        button(term("cutNoMore"), "quiet", () => {
          this.area = null;
          this.sketch.clear();
          this.sections.around(null, false);
        })),
      element("p", { class: "fine" }, term("sketchHint")),
    );
  }

  close(): void {
    this.sketch.clear();
  }

  private change(part: Partial<Section>): void {
    this.wanted = { ...this.wanted, ...part };
    if (this.sections.current) this.sections.cut(this.wanted, this.middle());
  }

  private draw(): void {
    this.sketch.start({
      least: 3, closed: true, onGround: true,
      done: (points) => {
        this.area = [...points];
        this.sketch.clear();
        this.sections.around(this.area, this.alone);
      },
    });
  }
}
