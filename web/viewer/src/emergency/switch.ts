/** The way into the emergency panel: its code is fetched when somebody wants it. */

import { button } from "../dom";
import { word } from "../i18n";
import type { Board, BoardId } from "./board";
import type { EmergencyHost } from "./host";
import type { EmergencyPanel } from "./panel";

const ASKED = "incident";
const ASKED_WARNING = "warning";
/** Parts of the panel: its two lists, and tabs of an incident. */
const PARTS = ["incidents", "tasks", "timeline", "warnings"] as const;

export type PartName = (typeof PARTS)[number];

export function isPart(name: string): name is PartName {
  return PARTS.some((one) => one === name);
}

export class EmergencySwitch {
  readonly button = button(word("emergency"), "quiet to-emergency", () => void this.toggle());
  private panel: EmergencyPanel | null = null;
  private making: Promise<EmergencyPanel> | null = null;

  constructor(private readonly host: EmergencyHost) {}

  /** Whether clicks on the map are the panel's. */
  get busy(): boolean {
    return this.panel?.busy ?? false;
  }

  get isOpen(): boolean {
    return this.panel?.isOpen ?? false;
  }

  /** Open the panel with some of its parts to the front. */
  async openParts(parts: readonly PartName[]): Promise<void> {
    if (!this.isOpen) await this.toggle();
    this.panel?.prefer(parts);
  }

  /** Close the panel, unless somebody works on an incident in it. */
  closeList(): void {
    if (this.panel?.isOpen && this.panel.idle) void this.panel.toggle(false);
  }

  get board(): Board {
    return this.host.board;
  }

  /** Take a click on the flat map that is on what the panel drew; false where it is not. */
  pick(x: number, y: number): boolean {
    return this.panel?.pick(x, y) ?? false;
  }

  /** What a click in 3D chose. */
  choose(picked: BoardId): void {
    if (picked.what === "mark") this.panel?.chooseMark(picked.number);
    else if (picked.what === "warning") void this.panel?.warning(picked.code);
    else {
      this.panel?.choose("incidents");
      void this.panel?.show(picked.code);
    }
  }

  /** Open the incident or warning that the address names, as in /map?incident=CODE. */
  async start(): Promise<void> {
    const asked = new URLSearchParams(location.search);
    const code = asked.get(ASKED), warning = asked.get(ASKED_WARNING);
    if (!code && !warning) return;
    await this.toggle();
    if (code) await this.panel?.show(code);
    else if (warning) await this.panel?.warning(warning);
  }

  /** Whether a click on the map opened a warning. */
  pickWarning(x: number, y: number): boolean {
    return this.panel?.pickWarning(x, y) ?? false;
  }

  /** Make the draft of a warning of an alarm, and show it. */
  async draftOf(alarm: string): Promise<void> {
    if (!this.panel?.isOpen) await this.toggle();
    await this.panel?.warning(alarm, true);
  }

  private async toggle(): Promise<void> {
    try {
      const panel = await this.load();
      const opening = !panel.isOpen;
      if (opening) this.host.opened();
      await panel.toggle();
    } catch (error) {
      this.host.failed(error);
    }
  }

  private load(): Promise<EmergencyPanel> {
    this.making ??= import("./panel").then(({ EmergencyPanel }) => EmergencyPanel.make(this.host, () => this.tell())).then((panel) => {
      this.panel = panel;
      return panel;
    }).catch((error: unknown) => {
      this.making = null;
      throw error;
    });
    return this.making;
  }

  private tell(): void {
    this.button.setAttribute("aria-pressed", String(this.panel?.isOpen ?? false));
  }
}
