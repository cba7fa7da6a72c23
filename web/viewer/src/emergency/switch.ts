/** The way into the emergency panel: its code is fetched when somebody wants it. */

import { button } from "../dom";
import { word } from "../i18n";
import type { EmergencyHost } from "./host";
import type { EmergencyPanel } from "./panel";

const ASKED = "incident";
const ASKED_WARNING = "warning";

export class EmergencySwitch {
  readonly button = button(word("emergency"), "quiet to-emergency", () => void this.toggle());
  private panel: EmergencyPanel | null = null;
  private making: Promise<EmergencyPanel> | null = null;

  constructor(private readonly host: EmergencyHost) {}

  /** Whether clicks on the map are the panel's. */
  get busy(): boolean {
    return this.panel?.busy ?? false;
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
  pick(x: number, y: number): boolean {
    return this.panel?.pick(x, y) ?? false;
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
