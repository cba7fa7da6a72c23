/** 地下: the ground turned into glass, with the pipes below it. */

import { button, element } from "../dom";
import { colouringBy } from "./colouring";
import type { Ground } from "./ground";
import type { SceneHost } from "./host";
import { field, slider, tick, type Tool } from "./panel";
import type { Held, Tilesets } from "./tilesets";
import { text } from "../i18n";
import { term } from "./words";

const CLASS = "class";

export class UndergroundTool implements Tool {
  readonly name = "underground";
  private opacity = 0.35;

  constructor(private readonly host: SceneHost, private readonly ground: Ground, private readonly tilesets: Tilesets) {}

  open(card: HTMLElement): void {
    const tubes = this.tilesets.all.filter((held) => held.source.kind === "tube");
    if (!this.ground.underground) this.turn(true);
    card.append(
      field(term("groundOpacity"), slider(0, 1, 0.05, this.opacity, (value) => {
        this.opacity = value;
        this.ground.open(true, value);
      })),
      ...(tubes.length ? tubes.map((held) => tick(text(held.source.title), held.wanted, (on) => this.host.show(held.source.id, on))) : [element("p", { class: "none" }, term("noPipes"))]),
      button(term("aboveGround"), "quiet above-ground", () => {
        this.turn(false);
        card.replaceChildren(element("p", { class: "fine" }, term("aboveAgain")));
      }),
      element("p", { class: "fine" }, term("undergroundHint")),
    );
  }

  /** See below the ground, or no more; pipes that nobody switched on come with it, in the colours of the flat map. */
  private turn(on: boolean): void {
    this.ground.open(on, this.opacity);
    void this.tilesets.underground(on);
    const tubes = this.tilesets.all.filter((held) => held.source.kind === "tube");
    const none = !tubes.some((held) => held.wanted);
    for (const held of tubes) {
      if (on) this.colour(held);
      this.host.show(held.source.id, held.wanted || (on && none));
    }
  }

  private colour(held: Held): void {
    const { source, looks } = held;
    if (looks.colouring || !source.fields.includes(CLASS)) return;
    const info = this.host.catalog.layers.find((layer) => layer.id === source.id)?.fields.find((field) => field.name === CLASS);
    looks.colouring = colouringBy(CLASS, info, this.host.styles.get(source.id), () => undefined);
    this.tilesets.dress(held);
  }
}
