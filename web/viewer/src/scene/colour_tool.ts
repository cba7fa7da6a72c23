/** 着色: a layer coloured by a field, with a legend whose classes can be hidden, and its opacity. */

import type { SceneKind } from "../api";
import { element } from "../dom";
import { text, word } from "../i18n";
import { colourFields, colouringBy, fieldTitle } from "./colouring";
import type { SceneHost } from "./host";
import { allOrNone, choice, field, slider, tick, type Tool } from "./panel";
import type { Held, Tilesets } from "./tilesets";
import { term } from "./words";

const GATHER_MS = 250;
/** Kinds that are drawn as they were delivered. */
const PLAIN = new Set<SceneKind>(["points", "mesh"]);

export class ColourTool implements Tool {
  readonly name = "colour";
  private chosen: string | null = null;
  private card: HTMLElement | null = null;
  private timer = 0;

  constructor(private readonly host: SceneHost, private readonly tilesets: Tilesets) {}

  open(card: HTMLElement): void {
    this.card = card;
    const offered = this.tilesets.all.filter((held) => held.tileset?.show && !PLAIN.has(held.source.kind) && colourFields(held.source.fields).length);
    if (!offered.length) {
      card.append(element("p", { class: "none" }, term("nothingShown")));
      return;
    }
    const held = offered.find((one) => one.source.id === this.chosen) ?? offered[0];
    if (!held) return;
    this.chosen = held.source.id;
    const layers = offered.map((one): [string, string] => [one.source.id, text(one.source.title)]);
    const fields = this.fieldsOf(held);
    const offeredFields: [string, string][] = [["", term("asDelivered")], ...colourFields(held.source.fields).map((name): [string, string] => [name, fieldTitle(name, fields)])];
    card.append(
      field(word("layer"), choice(layers, held.source.id, (id) => {
        this.chosen = id;
        this.again();
      })),
      field(term("colourBy"), choice(offeredFields, held.looks.colouring?.field ?? "", (name) => this.colour(held, name))),
      field(word("opacity"), slider(0.05, 1, 0.05, held.looks.opacity, (value) => {
        held.looks.opacity = value;
        this.tilesets.dress(held);
      })),
      ...(held.looks.colouring ? [allOrNone((on) => this.tickAll(held, on)), this.legend(held)] : []),
    );
  }

  close(): void {
    this.card = null;
    clearTimeout(this.timer);
  }

  private fieldsOf(held: Held) {
    return this.host.catalog.layers.find((layer) => layer.id === held.source.id)?.fields ?? [];
  }

  private colour(held: Held, name: string): void {
    held.looks.hiddenClasses.clear();
    const info = this.fieldsOf(held).find((one) => one.name === name);
    held.looks.colouring = name ? colouringBy(name, info, this.host.styles.get(held.source.id), () => this.soon()) : null;
    this.tilesets.dress(held);
    this.again();
  }

  private tickAll(held: Held, on: boolean): void {
    const { hiddenClasses, colouring } = held.looks;
    hiddenClasses.clear();
    if (!on) for (const { key } of colouring?.classes() ?? []) hiddenClasses.add(key);
    this.tilesets.dress(held);
    this.again();
  }

  private legend(held: Held): HTMLElement {
    const { colouring, hiddenClasses } = held.looks;
    const list = element("ul", { class: "scene-legend" });
    for (const { key, label, colour } of colouring?.classes() ?? []) {
      const mark = element("i", { class: "swatch", "aria-hidden": "true" });
      mark.style.background = colour;
      list.append(element("li", { "data-class": key }, tick(label, !hiddenClasses.has(key), (on) => {
        if (on) hiddenClasses.delete(key);
        else hiddenClasses.add(key);
        this.tilesets.dress(held);
      }, mark)));
    }
    return list;
  }

  /** Values turn up as tiles come: the legend is drawn again once for many. */
  private soon(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.again(), GATHER_MS);
  }

  private again(): void {
    const { card } = this;
    if (!card) return;
    card.replaceChildren();
    this.open(card);
  }
}
