/** What a duty mode shows, what of it cannot be shown and why, and the way back. */

import { button, element } from "../dom";
import { text } from "../i18n";
import type { Missing, Mode } from "./api";
import { baseName, listed, modeTerm } from "./words";

/** What became of a mode: whether its base map is shown, and how many layers are on. */
export interface Became {
  base: boolean;
  shown: number;
  anonymous: boolean;
}

export class ModeNotice {
  readonly element = element("section", { class: "mode-notice", role: "status", hidden: "" });

  constructor(private readonly leave: () => void) {}

  tell(mode: Mode | null, became: Became = { base: true, shown: 0, anonymous: false }): void {
    this.element.hidden = mode === null;
    if (!mode) return;
    const base = `${modeTerm("base")}：${baseName(mode.basemap)}${became.base ? "" : `（${modeTerm("noBase")}）`}`;
    const lines = [
      element("p", {}, text(mode.description)),
      element("p", { class: became.base ? "fine" : "fine caution" }, `${base} · ${modeTerm("someDrawn")} ${became.shown}`),
      lacking(mode, "no-right"), lacking(mode, "no-data"),
      became.anonymous && mode.missing.length ? element("p", { class: "fine" }, modeTerm("login")) : null,
      mode.panels.includes("cameras") && mode.layers.includes("cameras") ? element("p", { class: "fine" }, modeTerm("cameras")) : null,
    ];
    this.element.replaceChildren(
      element("div", { class: "mode-head" }, element("b", {}, text(mode.title)), button(modeTerm("restore"), "link leave-mode", this.leave)), ...lines.filter((one) => one !== null),
    );
  }
}

function lacking({ missing }: Mode, why: Missing["why"]): HTMLElement | null {
  const names = missing.filter((one) => one.why === why).map((one) => text(one.title));
  if (!names.length) return null;
  return element("p", { class: `fine caution ${why}` }, `${modeTerm(why === "no-right" ? "noRight" : "noData")}：${listed(names)}`);
}
