/** Building models on the map: footprints, the storey that is looked into, and the element that was clicked. */

import { elementOf, modelFootprints, planOf, storeysOf, type ModelFacts, type Storey } from "./bim_api";
import { BimLayers } from "./bim_layers";
import { elementCard, modelCard, storeyPicker } from "./bim_views";
import { element, say } from "./dom";
import { word } from "./i18n";
import type { CityMap } from "./map";
import { besidePanels, NOTHING } from "./overlays";

export class Bim {
  private readonly layers: BimLayers;
  private readonly place = element("div", { class: "storeys-place" });
  private model: ModelFacts | null = null;
  private storeys: Storey[] = [];
  private equipped = false;

  /** `told` shows a card of an element in the panel of results. */
  constructor(private readonly map: CityMap, stage: HTMLElement, private readonly told: (card: HTMLElement) => void, private readonly closed: () => void) {
    this.layers = new BimLayers(map.gl);
    stage.append(this.place);
  }

  /** Ask for the models there are; returns how many. */
  async load(): Promise<number> {
    const found = await modelFootprints();
    this.layers.footprints(found);
    return found.features.length;
  }

  /** The card of the model at a place of the canvas, null where there is none. */
  cardAt(x: number, y: number): HTMLElement | null {
    const model = this.layers.modelAt([x, y]);
    return model && model.id !== this.model?.id ? modelCard(model, () => void this.open(model)) : null;
  }

  /** Show the element of the drawn storey at a place; false where none is. */
  async pick(x: number, y: number): Promise<boolean> {
    const model = this.model;
    const hit = model ? this.layers.elementAt(x, y) : null;
    if (!model || !hit) return false;
    try {
      const found = await elementOf(model.id, hit.global_id);
      this.map.highlight(found.geometry);
      this.told(elementCard(found.properties, found.names, this.closed));
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), "error");
    }
    return true;
  }

  async open(model: ModelFacts): Promise<void> {
    try {
      this.storeys = await storeysOf(model.id);
      if (model.bbox) this.map.gl.fitBounds(this.box(model.bbox), { padding: besidePanels(this.map.gl.getContainer().clientWidth), maxZoom: 20.5, duration: 600 });
      if (!this.storeys.length) {
        say(word("noStoreys"));
        return;
      }
      this.model = model;
      const ground = this.storeys.find((storey) => storey.storey_number === 1) ?? this.storeys[0];
      await this.choose(ground ?? null);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), "error");
    }
  }

  /** Facts of drawn features arrive as texts where they are lists. */
  private box(bbox: unknown): [number, number, number, number] {
    return (typeof bbox === "string" ? JSON.parse(bbox) : bbox) as [number, number, number, number];
  }

  /** Draw the pipes, ducts and devices of a storey too, or not. */
  private equip(on: boolean): void {
    this.equipped = on;
    this.layers.equipment(on);
  }

  private async choose(storey: Storey | null): Promise<void> {
    const model = this.model;
    if (!storey || !model) {
      this.model = null;
      this.place.replaceChildren();
      this.layers.plan(NOTHING);
      this.closed();
      return;
    }
    try {
      const plan = await planOf(model.id, storey.global_id);
      this.layers.plan(plan);
      this.layers.equipment(this.equipped);
      this.place.replaceChildren(storeyPicker(model.id, this.storeys, storey.global_id, (next) => void this.choose(next), this.equipped, (on) => this.equip(on)));
      this.place.dataset["storey"] = storey.global_id;
      if (!plan.features.length) say(word("emptyStorey"));
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), "error");
    }
  }
}
