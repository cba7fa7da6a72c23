/** The layer tree: themes in order, each layer with a switch, its legend, opacity and what it is. */

import type { Catalog, LayerInfo, LayerStyle, LegendEntry } from "./api";
import { element } from "./dom";
import { text, word, type Word } from "./i18n";

interface Actions {
  show(id: string, on: boolean): void;
  fade(id: string, opacity: number): void;
  restyle(id: string, style: string): void;
}

export function layerTree(
  catalog: Catalog, styles: Map<string, LayerStyle>, shown: Map<string, boolean>, actions: Actions,
): HTMLElement {
  const themes = catalog.themes
    .map((theme) => ({ theme, layers: catalog.layers.filter((layer) => layer.theme === theme.id) }))
    .filter((group) => group.layers.length);
  return element(
    "nav", { class: "tree", "aria-label": word("layers") },
    ...themes.map(({ theme, layers }) => {
      const on = layers.some((layer) => shown.get(layer.id));
      return element(
        "details", { class: "theme", ...(on ? { open: "" } : {}) },
        element("summary", {}, text(theme.title), element("span", { class: "count" }, String(layers.length))),
        ...layers.map((layer) => row(layer, styles.get(layer.id), shown.get(layer.id) ?? false, actions)),
      );
    }),
  );
}

function row(layer: LayerInfo, style: LayerStyle | undefined, on: boolean, actions: Actions): HTMLElement {
  const tick = element("input", { type: "checkbox", ...(on ? { checked: "" } : {}), ...(style ? {} : { disabled: "" }) });
  tick.addEventListener("change", () => actions.show(layer.id, tick.checked));
  const fade = element("input", { type: "range", min: "0", max: "1", step: "0.05", value: "1", "aria-label": `${text(layer.title)} ${word("opacity")}` });
  fade.addEventListener("input", () => actions.fade(layer.id, Number(fade.value)));
  const legend = style?.legend ?? [];
  const count = layer.feature_count.toLocaleString();
  return element(
    "div", { class: "layer", "data-layer": layer.id },
    element("label", {}, tick, swatch(legend[0]), element("span", { class: "name" }, text(layer.title)), grade(layer.grade)),
    element(
      "details", { class: "more" }, element("summary", { "aria-label": text(layer.title) }, "⋯"),
      element("label", { class: "fade" }, word("opacity"), fade),
      chooser(layer, style, actions),
      legendList(legend),
      element("p", {}, text(layer.description)),
      element("p", { class: "fine" }, `${word("version")} ${layer.version} · ${count} ${word("features")} · ${layer.attribution}`),
    ),
  );
}

/** The ways a layer of images can be drawn, where there are several. */
function chooser(layer: LayerInfo, style: LayerStyle | undefined, actions: Actions): HTMLElement | null {
  const styles = style?.styles ?? [];
  if (styles.length < 2) return null;
  const options = styles.map((one) => element("option", { value: one.id, ...(one.id === style?.style ? { selected: "" } : {}) }, text(one.title)));
  const choice = element("select", { "aria-label": `${text(layer.title)} ${word("drawnAs")}` }, ...options);
  choice.addEventListener("change", () => actions.restyle(layer.id, choice.value));
  return element("label", { class: "fade" }, word("drawnAs"), choice);
}

export function legendList(legend: LegendEntry[]): HTMLElement {
  return element("ul", { class: "legend" }, ...legend.map((entry) => element("li", {}, swatch(entry), text(entry.label))));
}

function grade(name: string): HTMLElement | null {
  return name === "public" ? null : element("span", { class: `grade ${name}` }, word(name as Word));
}

function swatch(entry: LegendEntry | undefined): HTMLElement {
  const made = element("i", { class: `swatch ${entry?.kind ?? "fill"}`, "aria-hidden": "true" });
  if (entry) {
    made.style.background = entry.color;
    made.style.borderColor = entry.outline ?? entry.color;
  }
  return made;
}
