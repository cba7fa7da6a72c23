/** The list of warnings: those in force, drills apart, drafts, those that ended below. */

import { button, element } from "../../dom";
import { word } from "../../i18n";
import { duration, moment } from "../../live/words";
import { isDrill, MOST_ENDED, plainTitle, type Held } from "./api";
import type { WarningStore } from "./store";
import { colourName, COLOUR_NAMES, stateName, statusName, term } from "./words";

export interface ListDeeds {
  open(code: string): void;
  issue(): void;
  take(): void;
  close(): void;
}

export class WarningList {
  readonly element = element("div", { class: "em-view" });
  private readonly lists = element("div", { "aria-live": "polite" });
  private readonly ended = element("details", { class: "em-closed" });

  constructor(private readonly store: WarningStore, private readonly deeds: ListDeeds, mayPublish: boolean, loggedIn: boolean) {
    const away = button("×", "quiet close", () => deeds.close());
    away.setAttribute("aria-label", word("close"));
    const ways = mayPublish ? [button(`＋ ${term("issueOne")}`, "deed main-deed to-issue", () => deeds.issue()), button(term("importOne"), "deed to-import", () => deeds.take())] : [];
    const hint = mayPublish ? [] : [element("p", { class: "fine" }, term(loggedIn ? "needsRight" : "anonymousSees"))];
    this.element.append(element("div", { class: "em-head" }, element("h2", {}, term("warnings")), ...ways, away), ...hint, this.lists, this.ended);
  }

  renew(): void {
    const grave = (one: Held): number => (one.colour ? COLOUR_NAMES.indexOf(one.colour) : COLOUR_NAMES.length);
    const active = this.store.active.map(({ held }) => held).sort((a, b) => grave(a) - grave(b) || b.sent.localeCompare(a.sent));
    const drills = active.filter(isDrill);
    this.lists.replaceChildren(
      this.group(term("inForce"), active.filter((one) => !isDrill(one)), term("noneInForce"), "in-force"),
      ...(drills.length ? [this.group(term("drills"), drills, "", "drills")] : []),
      ...(this.store.drafts.length ? [this.group(term("drafts"), this.store.drafts, "", "drafts")] : []),
    );
    const { ended } = this.store;
    this.ended.replaceChildren(
      element("summary", {}, `${term("ended")} ${ended.length}`),
      ...(ended.length ? ended.map((one) => this.row(one)) : [element("p", { class: "none" }, term("noneEnded"))]), ...(ended.length < MOST_ENDED ? [] : [element("p", { class: "fine" }, term("firstOnly"))]),
    );
  }

  private group(title: string, warnings: Held[], none: string, name: string): HTMLElement {
    return element(
      "section", { "data-group": name }, element("h3", {}, title, element("span", { class: "count" }, String(warnings.length))),
      ...(warnings.length ? warnings.map((one) => this.row(one)) : [element("p", { class: "none" }, none)]),
    );
  }

  private row(one: Held): HTMLElement {
    const row = button("", `em-incident em-warning colour-${one.colour ?? "none"}${isDrill(one) ? " drill" : ""}${one.state === "active" ? "" : " over"}`, () => this.deeds.open(one.code));
    row.dataset["warning"] = one.code;
    const info = this.store.infoOf(one.code);
    row.append(
      element("span", { class: "em-row-head" }, ...badges(one), element("small", {}, remaining(one))),
      element("b", {}, plainTitle(one)),
      element("small", {}, info?.sender_name || one.sender, " · ", span(one, info?.onset ?? one.effective)),
    );
    return row;
  }
}

/** The mark of what is not real, the colour, and the state where it is over. */
export function badges(one: Held): HTMLElement[] {
  const found = [element("span", { class: `em-badge colour-${one.colour ?? "none"}` }, colourName(one.colour))];
  if (isDrill(one)) found.unshift(element("span", { class: "em-badge drill-badge" }, statusName(one.status)));
  if (one.state !== "active") found.push(element("span", { class: `em-badge state-${one.state}` }, stateName(one.state)));
  return found;
}

/** From when to when it holds, in Beijing time. */
export function span(one: Held, from: string): string {
  return `${moment(from)} ${term("from")}，${one.expires ? `${term("until")} ${moment(one.expires)}` : term("noEnd")}`;
}

function remaining(one: Held): string {
  if (one.state !== "active" || !one.expires) return moment(one.sent);
  const left = Date.parse(one.expires) - Date.now();
  return left > 0 ? `${term("left")} ${duration(left)}` : stateName("expired");
}
