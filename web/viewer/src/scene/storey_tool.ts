/** 楼层: the storeys and classes of a building model, each to be switched; a slider takes off from the top, another moves them apart. */

import { CustomShader, UniformType } from "cesium";
import { storeysOf, type Storey } from "../bim_api";
import { className, shortName } from "../bim_views";
import { classWord } from "./colouring";
import { element, say } from "../dom";
import { text } from "../i18n";
import { upOf } from "./frames";
import { allOrNone, choice, field, slider, tick, type Tool } from "./panel";
import { isNoRoom, type Held, type Tilesets } from "./tilesets";
import { term } from "./words";

const MOST_GAP_M = 15;
/** Numbers of storeys beyond this stand for none. */
const APART = `
void vertexMain(VertexInput vsInput, inout czm_modelVertexOutput vsOutput) {
  int storey = vsInput.metadata.storey_number;
  if (abs(storey) < 1000) {
    float rank = float(storey > 0 ? storey - 1 : storey);
    vsOutput.positionMC += inverse(mat3(czm_model)) * (u_up * u_gap * rank);
  }
}`;

interface Shown {
  storeys: Storey[];
  hidden: Set<string>;
  classes: Map<string, boolean>;
  gap_m: number;
  rooms: boolean;
}

export class StoreyTool implements Tool {
  readonly name = "storeys";
  private readonly shown = new Map<string, Shown>();
  private chosen: string | null = null;
  private card: HTMLElement | null = null;
  private timer = 0;

  /** `away` is how far from the eye a model is, metres. */
  constructor(private readonly tilesets: Tilesets, private readonly away: (held: Held) => number) {}

  open(card: HTMLElement): void {
    this.card = card;
    const models = this.tilesets.all.filter((held) => held.source.model && held.tileset?.show).sort((a, b) => this.away(a) - this.away(b));
    const held = models.find((one) => one.source.id === this.chosen) ?? models[0];
    if (!held) {
      card.append(element("p", { class: "none" }, term("noModelShown")));
      return;
    }
    this.chosen = held.source.id;
    void this.fill(card, held, models);
  }

  close(): void {
    this.card = null;
    this.chosen = null;
    clearTimeout(this.timer);
  }

  /** Take a model off above a storey; its card shows it when it is opened next. */
  async cutAbove(held: Held, storey: string): Promise<void> {
    this.chosen = held.source.id;
    const state = await this.stateOf(held);
    const place = state.storeys.findIndex((one) => one.global_id === storey);
    state.hidden = new Set(place < 0 ? [] : state.storeys.slice(place + 1).map((one) => one.global_id));
    this.tilesets.dress(held);
  }

  private async fill(card: HTMLElement, held: Held, models: Held[]): Promise<void> {
    const state = await this.stateOf(held);
    if (this.card !== card) return;
    const { storeys } = state;
    const highest = storeys.length - 1;
    const top = storeys.findLastIndex((storey) => !state.hidden.has(storey.global_id));
    const list = element("div", { class: "scene-storeys" });
    const draw = (): void => list.replaceChildren(...[...storeys].reverse().map((storey) => tick(shortName(storey), !state.hidden.has(storey.global_id), (on) => {
      if (on) state.hidden.delete(storey.global_id);
      else state.hidden.add(storey.global_id);
      this.tilesets.dress(held);
    })));
    draw();
    const cut = slider(0, Math.max(0, highest), 1, Math.max(0, top), (value) => {
      state.hidden = new Set(storeys.slice(value + 1).map((storey) => storey.global_id));
      draw();
      this.tilesets.dress(held);
    });
    cut.classList.add("storey-slider");
    const gap = slider(0, MOST_GAP_M, 0.5, state.gap_m, (value) => this.part(held, state, value));
    gap.classList.add("storey-gap");
    card.replaceChildren(
      field(term("model"), choice(models.map((one): [string, string] => [one.source.id, text(one.source.title)]), held.source.id, (id) => {
        this.chosen = id;
        this.again();
      })),
      field(term("upTo"), cut),
      field(term("apart"), gap),
      list,
      tick(term("rooms"), state.rooms, (on) => {
        state.rooms = on;
        held.looks.filter("rooms", on ? null : isNoRoom);
        this.tilesets.dress(held);
      }),
      element("h3", {}, term("byClass")),
      allOrNone((on) => {
        for (const name of state.classes.keys()) state.classes.set(name, on);
        this.tilesets.dress(held);
        this.again();
      }),
      this.classes(held, state),
    );
  }

  private async stateOf(held: Held): Promise<Shown> {
    const known = this.shown.get(held.source.id);
    if (known) return known;
    const state: Shown = { storeys: [], hidden: new Set(), classes: new Map(), gap_m: 0, rooms: false };
    this.shown.set(held.source.id, state);
    try {
      state.storeys = (await storeysOf(held.source.id)).sort((a, b) => (a.elevation_m ?? 0) - (b.elevation_m ?? 0));
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), "error");
    }
    held.looks.filter("storeys", (read) => {
      const kind = String(read("ifc_class") ?? "");
      if (!state.classes.has(kind)) {
        state.classes.set(kind, true);
        this.soon();
      }
      return !state.hidden.has(String(read("storey") ?? "")) && state.classes.get(kind) !== false;
    });
    this.tilesets.dress(held);
    return state;
  }

  private classes(held: Held, state: Shown): HTMLElement {
    const names = [...state.classes.keys()].sort((a, b) => className(a).localeCompare(className(b)));
    return element("ul", { class: "scene-legend" }, ...names.map((name) => element("li", { "data-class": name }, tick(classWord(name) || term("unknown"), state.classes.get(name) !== false, (on) => {
      state.classes.set(name, on);
      this.tilesets.dress(held);
    }))));
  }

  /** Move storeys apart by metres; the ground floor stays. */
  private part(held: Held, state: Shown, gap_m: number): void {
    state.gap_m = gap_m;
    const { looks, tileset } = held;
    if (!tileset) return;
    if (gap_m === 0) looks.shader = null;
    else if (looks.shader) looks.shader.setUniform("u_gap", gap_m);
    else {
      looks.shader = new CustomShader({
        uniforms: { u_gap: { type: UniformType.FLOAT, value: gap_m }, u_up: { type: UniformType.VEC3, value: upOf(tileset.boundingSphere.center) } },
        vertexShaderText: APART,
      });
    }
    this.tilesets.dress(held);
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.again(), 250);
  }

  private again(): void {
    const { card } = this;
    if (!card) return;
    card.replaceChildren();
    this.open(card);
  }
}
