/** The way into the emergency panel: its code is fetched when somebody wants it. */

import { button } from "../dom";
import { word } from "../i18n";
import type { EmergencyHost } from "./host";
import type { EmergencyPanel } from "./panel";

const ASKED = "incident";

export class EmergencySwitch {
  readonly button = button(word("emergency"), "quiet to-emergency", () => void this.toggle());
  private panel: EmergencyPanel | null = null;
  private making: Promise<EmergencyPanel> | null = null;

  constructor(private readonly host: EmergencyHost) {}

  /** Whether clicks on the map are the panel's. */
  get busy(): boolean {
    return this.panel?.busy ?? false;
  }

  /** Open the incident that the address names, as in /map?incident=CODE. */
  async start(): Promise<void> {
    const code = new URLSearchParams(location.search).get(ASKED);
    if (!code) return;
    await this.toggle();
    await this.panel?.show(code);
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
