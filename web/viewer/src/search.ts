/** The search box: suggestions while typing, chosen by mouse or keyboard (ARIA combobox). */

import { ask, type Hit } from "./api";
import { element, say } from "./dom";
import { word } from "./i18n";

const WAIT_MS = 180;

export function searchBox(choose: (hit: Hit) => void): HTMLElement {
  const list = element("ul", { class: "hits", role: "listbox", id: "hits" });
  const input = element("input", {
    type: "search", class: "search", placeholder: word("search"), "aria-label": word("search"), role: "combobox",
    "aria-expanded": "false", "aria-controls": "hits", "aria-autocomplete": "list", autocomplete: "off", maxlength: "100",
  });
  let hits: Hit[] = [];
  let active = -1;
  let timer = 0;
  let asking: AbortController | null = null;

  function close(): void {
    list.replaceChildren();
    hits = [];
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function take(hit: Hit): void {
    input.value = hit.title;
    close();
    choose(hit);
  }
  function mark(next: number): void {
    active = hits.length ? (next + hits.length) % hits.length : -1;
    [...list.children].forEach((item, number) => item.setAttribute("aria-selected", String(number === active)));
    if (active >= 0) input.setAttribute("aria-activedescendant", `hit-${active}`);
    list.children[active]?.scrollIntoView({ block: "nearest" });
  }
  function show(found: Hit[]): void {
    hits = found;
    active = -1;
    input.setAttribute("aria-expanded", "true");
    if (!found.length) {
      list.replaceChildren(element("li", { class: "none" }, word("noHits")));
      return;
    }
    list.replaceChildren(
      ...found.map((hit, number) => {
        const item = element(
          "li", { role: "option", id: `hit-${number}`, "aria-selected": "false" },
          element("b", {}, hit.title), element("span", { class: "kind" }, hit.kind),
          element("small", {}, hit.subtitle),
        );
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(hit);
        });
        return item;
      }),
    );
  }
  async function look(): Promise<void> {
    const q = input.value.trim();
    asking?.abort();
    if (!q) {
      close();
      return;
    }
    asking = new AbortController();
    try {
      const found = await ask<{ items: Hit[] }>(`/search?${new URLSearchParams({ q, limit: "12" })}`, { signal: asking.signal });
      show(found.items);
    } catch (error) {
      if (!(error instanceof DOMException)) say(error instanceof Error ? error.message : String(error), "error");
    }
  }
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void look(), WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") mark(active + 1);
    else if (event.key === "ArrowUp") mark(active - 1);
    else if (event.key === "Enter") {
      const hit = hits[active] ?? hits[0];
      if (hit) take(hit);
    } else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
  return element("div", { class: "searching" }, input, list);
}
