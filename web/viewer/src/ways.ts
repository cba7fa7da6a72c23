/** The ways from page to page. */

import { element } from "./dom";
import { term, type Term } from "./work_words";

const PAGES: [Term, string][] = [["map", "/map"], ["review", "/review"], ["analyses", "/analyses"], ["rules", "/rules"]];

/** Links to the other pages; the one the reader is on is marked. */
export function waysTo(here: Term): HTMLElement {
  return element("nav", { class: "ways", "aria-label": term("pages") }, ...PAGES.map(([page, address]) =>
    element("a", { href: address, ...(page === here ? { "aria-current": "page" } : {}) }, term(page))));
}
