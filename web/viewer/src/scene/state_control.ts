/** The state that 3D shows: in tilesets and pictures, in the address, and said over the picture while it is not the present. */

import { button, element } from "../dom";
import { text } from "../i18n";
import { PRESENT, type ShownState, stateText } from "../shown_state";
import { readScene, writeState } from "./address";
import type { Pictures } from "./pictures";
import type { Tilesets } from "./tilesets";
import { term } from "./words";

export class StateControl {
  /** Said over the picture, so that nobody takes what was or may be for what is. */
  readonly banner = element("div", { class: "scene-state", role: "status", hidden: "" });
  private shown: ShownState = readScene().state;

  constructor(private readonly tilesets: Tilesets, private readonly pictures: Pictures) {}

  get current(): ShownState {
    return this.shown;
  }

  /** What the address asks for. */
  begin(): Promise<void> {
    return this.become(this.shown);
  }

  async become(state: ShownState): Promise<void> {
    this.shown = state;
    writeState(state);
    this.tell();
    await Promise.all([this.tilesets.become(state), this.pictures.become(state.at)]);
  }

  /** Go to the state that the address names by now. */
  follow(): void {
    const { state } = readScene();
    if (stateText(state) !== stateText(this.shown)) void this.become(state);
  }

  /** Layers that are on and have nothing in this state. */
  private get missing(): string[] {
    return this.tilesets.all.filter((held) => held.wanted && held.absent).map((held) => text(held.source.title));
  }

  /** Say what is shown, and of what there is nothing; whenever a tileset came or went. */
  tell(): void {
    const told = stateText(this.shown);
    const { missing } = this;
    this.banner.hidden = !told;
    this.banner.replaceChildren(
      element("b", {}, `${term("stateShown")} ${told}`), element("span", {}, missing.length ? `${term("nothingThen")} ${missing.join("、")}` : ""),
      button(term("backToPresent"), "quiet to-present", () => void this.become(PRESENT)),
    );
  }
}
