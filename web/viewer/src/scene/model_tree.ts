/** Building models in the tree of layers, as long as the 3D view is open: models are no layers and have no picture. */

import { element } from "../dom";
import { text, word } from "../i18n";
import type { SceneSource } from "./sources";
import { term } from "./words";

export function modelTheme(models: SceneSource[], show: (id: string, on: boolean) => void, fade: (id: string, opacity: number) => void): HTMLElement {
  return element(
    "details", { class: "theme models", open: "" },
    element("summary", {}, term("models"), element("span", { class: "count" }, String(models.length))),
    ...models.map((model) => row(model, show, fade)),
  );
}

function row(model: SceneSource, show: (id: string, on: boolean) => void, fade: (id: string, opacity: number) => void): HTMLElement {
  const tick = element("input", { type: "checkbox", checked: "" });
  tick.addEventListener("change", () => show(model.id, tick.checked));
  const slider = element("input", { type: "range", min: "0", max: "1", step: "0.05", value: "1", "aria-label": `${text(model.title)} ${word("opacity")}` });
  slider.addEventListener("input", () => fade(model.id, Number(slider.value)));
  return element(
    "div", { class: "layer", "data-model": model.id },
    element("label", {}, tick, element("i", { class: "swatch model", "aria-hidden": "true" }), element("span", { class: "name" }, text(model.title))),
    element("details", { class: "more" }, element("summary", { "aria-label": text(model.title) }, "⋯"), element("label", { class: "fade" }, word("opacity"), slider)),
  );
}
