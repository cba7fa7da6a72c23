/** 时点情景: the city as it was at an instant, or under a scenario. */

import { element } from "../dom";
import { StateChoice, stateChoices } from "../shown_state";
import type { SceneHost } from "./host";
import { field, type Tool } from "./panel";
import type { StateControl } from "./state_control";
import type { Tilesets } from "./tilesets";
import { term } from "./words";

export class StateTool implements Tool {
  readonly name = "state";
  private card: HTMLElement | null = null;

  constructor(private readonly host: SceneHost, private readonly tilesets: Tilesets, private readonly states: StateControl) {}

  open(card: HTMLElement): void {
    this.card = card;
    void this.fill(card);
  }

  close(): void {
    this.card = null;
  }

  private async fill(card: HTMLElement): Promise<void> {
    try {
      const choices = await stateChoices(this.host.session);
      const choice = new StateChoice(choices, this.states.current, (state) => void this.states.become(state));
      await choice.offer(this.tilesets.all.filter((held) => held.wanted && !held.source.model).map((held) => held.source.id));
      if (this.card !== card) return;
      card.append(field(term("stateOf"), element("span", { class: "state-choice" }, choice.list, choice.when)), element("p", { class: "fine" }, term("stateHint")));
    } catch (error) {
      this.host.failed(error);
    }
  }
}
