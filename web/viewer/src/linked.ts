/** What a feature is linked to, as groups below its fields. */

import { ask, type Catalog, type Identified, type Text } from "./api";
import { button, element, say } from "./dom";
import { fieldRows } from "./identify";
import { text, word } from "./i18n";

interface LinkedGroup {
  layer: string;
  title: Text;
  relation: Text;
  path: string[];
  count: number;
  features: Identified[];
}

/** A button that asks once and opens the groups in its place. */
export function linkedButton(feature: Identified, catalog: Catalog, look: (feature: Identified) => void): HTMLElement {
  const place = element("div", { class: "linked" });
  place.append(button(word("linked"), "quiet linked-button", () => void open(place, feature, catalog, look)));
  return place;
}

async function open(place: HTMLElement, feature: Identified, catalog: Catalog, look: (feature: Identified) => void): Promise<void> {
  try {
    const { groups } = await ask<{ groups: LinkedGroup[] }>(`/collections/${feature.layer}/items/${feature.fid}/linked?depth=2&limit=10`);
    place.replaceChildren(
      element("h3", {}, word("linked")),
      ...(groups.length ? groups.map((group) => groupView(group, catalog, look)) : [element("p", { class: "none" }, word("notLinked"))]),
    );
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), "error");
  }
}

function groupView(group: LinkedGroup, catalog: Catalog, look: (feature: Identified) => void): HTMLElement {
  const layer = catalog.layers.find((one) => one.id === group.layer);
  const titles = group.path.slice(1).map((id) => catalog.layers.find((one) => one.id === id)).map((one) => (one ? text(one.title) : ""));
  const more = group.count > group.features.length ? [element("p", { class: "fine" }, `… ${group.count.toLocaleString()}`)] : [];
  const way = titles.length ? element("small", {}, ` ${titles.join(" › ")} ›`) : null;
  return element(
    "details", { class: "linked-group", "data-layer": group.layer },
    element("summary", {}, way, element("b", {}, ` ${text(group.relation)}`), element("span", { class: "count" }, group.count.toLocaleString())),
    ...group.features.map((one) => {
      const made = element("details", { class: "linked-feature" }, element("summary", {}, one.title), element("table", {}, ...fieldRows(one, layer?.fields ?? [])));
      made.addEventListener("toggle", () => {
        if (made.open) look(one);
      });
      return made;
    }),
    ...more,
  );
}
