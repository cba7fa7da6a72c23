/** Duty modes: a chooser in the head of the page; a mode switches layers, base map and panels, and can be left again. */

import type { LayerInfo } from "../api";
import { element, say } from "../dom";
import { partsOf, writePart } from "../hash_parts";
import { text } from "../i18n";
import { dutyModes, type Mode, type PanelName } from "./api";
import { baseLayers } from "./base_map";
import { ModeNotice } from "./notice";
import { modeTerm } from "./words";
import "./modes.css";

const PART = "mode";

/** What the page around gives. */
export interface ModesHost {
  layers(): readonly LayerInfo[];
  anonymous: boolean;
  isShown(layer: string): boolean;
  isTerrain(layer: string): boolean;
  /** Switch a layer as its tick in the tree does. */
  show(layer: string, on: boolean): void;
  open(panels: readonly PanelName[]): Promise<void>;
  /** What of the panels is open; it is given back when the mode is left. */
  opened(): Opened;
  reopen(opened: Opened): Promise<void>;
  failed(error: unknown): void;
}
export interface Opened {
  live: boolean;
  emergency: boolean;
}
interface Before extends Opened {
  layers: Set<string>;
}

export class DutyModes {
  readonly chooser = element("select", { class: "quiet duty-mode", "aria-label": modeTerm("mode"), hidden: "" });
  readonly notice = new ModeNotice(() => void this.leave());
  private modes: Mode[] = [];
  private mode: Mode | null = null;
  private before: Before | null = null;

  constructor(private readonly host: ModesHost) {
    this.chooser.addEventListener("change", () => void this.choose(this.chooser.value));
  }

  /** Offer the modes there are, and take up the one that the address names. */
  async start(): Promise<void> {
    try {
      this.modes = await dutyModes();
    } catch (error) {
      this.host.failed(error);
    }
    this.offer();
    await this.follow();
    window.addEventListener("hashchange", () => void this.follow());
  }

  private async follow(): Promise<void> {
    const asked = partsOf(location.hash).get(PART) ?? "";
    if (asked !== (this.mode?.id ?? "")) await this.choose(asked);
  }

  private async choose(id: string): Promise<void> {
    const mode = this.modes.find((one) => one.id === id);
    if (mode) await this.take(mode);
    else {
      if (id) say(`${modeTerm("unknown")}：${id}`, "error");
      await this.leave();
    }
  }

  private async take(mode: Mode): Promise<void> {
    this.before ??= { ...this.host.opened(), layers: new Set(this.shown()) };
    this.mode = mode;
    const base = baseLayers(mode.basemap, this.host.layers(), (layer) => this.host.isTerrain(layer));
    const wanted = new Set([...mode.layers, ...(base ?? [])]);
    this.showOnly(wanted);
    writePart(PART, mode.id);
    this.offer();
    this.notice.tell(mode, { base: base !== null, shown: this.shown().length, anonymous: this.host.anonymous });
    await this.host.open(mode.panels).catch((error: unknown) => this.host.failed(error));
  }

  /** Back to what was on before the first mode was chosen. */
  private async leave(): Promise<void> {
    const { before } = this;
    this.mode = this.before = null;
    writePart(PART, null);
    this.offer();
    this.notice.tell(null);
    if (!before) return;
    this.showOnly(before.layers);
    await this.host.reopen(before).catch((error: unknown) => this.host.failed(error));
  }

  private shown(): string[] {
    return this.host.layers().map((one) => one.id).filter((id) => this.host.isShown(id));
  }

  private showOnly(wanted: Set<string>): void {
    for (const { id } of this.host.layers()) if (this.host.isShown(id) !== wanted.has(id)) this.host.show(id, wanted.has(id));
  }

  /** The list of modes; those of the present month say so. */
  private offer(): void {
    const month = new Date().getMonth() + 1;
    const name = (mode: Mode): string => (mode.months.includes(month) ? `${text(mode.title)} · ${modeTerm("thisMonth")}` : text(mode.title));
    this.chooser.replaceChildren(
      element("option", { value: "" }, modeTerm(this.mode ? "leave" : "mode")), ...this.modes.map((mode) => element("option", { value: mode.id, title: text(mode.description) }, name(mode))),
    );
    this.chooser.value = this.mode?.id ?? "";
    this.chooser.title = this.mode ? text(this.mode.description) : modeTerm("mode");
    this.chooser.hidden = !this.modes.length;
    this.chooser.classList.toggle("on", this.mode !== null);
  }
}
