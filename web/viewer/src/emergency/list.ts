/** The list of incidents: open ones, drills apart, closed ones below. */

import { button, element } from "../dom";
import { text, word } from "../i18n";
import { duration, moment } from "../live/words";
import type { EmergencyApi, Incident, Kinds } from "./api";
import { gradeName, term } from "./words";

export class IncidentList {
  readonly element = element("div", { class: "em-view" });
  private readonly lists = element("div", { "aria-live": "polite" });

  constructor(api: EmergencyApi, private readonly kinds: Kinds, private readonly open: (code: string) => void, report: () => void, close: () => void) {
    const away = button("×", "quiet close", close);
    away.setAttribute("aria-label", word("close"));
    const hint = api.mayWrite ? null : element("p", { class: "fine" }, term(api.session.user ? "needsRight" : "anonymousSees"));
    this.element.append(
      element("div", { class: "em-head" }, element("h2", {}, term("incidents")), api.mayWrite ? button(`＋ ${term("report")}`, "deed main-deed to-report", report) : null, away),
      ...(hint ? [hint] : []), this.lists,
    );
  }

  show(open: Incident[], closed: Incident[]): void {
    const real = open.filter((one) => !one.drill), drills = open.filter((one) => one.drill);
    this.lists.replaceChildren(
      this.group(term("openOnes"), real, term("noneOpen")),
      ...(drills.length ? [this.group(term("drills"), drills, "")] : []),
      element("details", { class: "em-closed" }, element("summary", {}, `${term("closedOnes")} ${closed.length}`), ...(closed.length ? closed.map((one) => this.row(one)) : [element("p", { class: "none" }, term("noneClosed"))])),
    );
  }

  private group(title: string, incidents: Incident[], none: string): HTMLElement {
    return element(
      "section", {}, element("h3", {}, title, element("span", { class: "count" }, String(incidents.length))),
      ...(incidents.length ? incidents.map((one) => this.row(one)) : [element("p", { class: "none" }, none)]),
    );
  }

  private row(one: Incident): HTMLElement {
    const kind = this.kinds.kind[one.kind];
    const overdue = one.state === "open" ? (one.clock?.overdue ?? 0) : 0;
    const row = button("", `em-incident grade-${one.grade ?? "none"}${one.drill ? " drill" : ""}`, () => this.open(one.code));
    row.dataset["incident"] = one.code;
    row.append(
      element("span", { class: "em-row-head" }, ...badges(one), overdue ? element("span", { class: "em-badge overdue" }, `${term("overdue")}${overdue > 1 ? ` ${overdue}` : ""}`) : null,
        element("small", {}, one.state === "open" ? `${moment(one.reported_at)} · ${duration(Date.now() - Date.parse(one.reported_at))}` : moment(one.reported_at))),
      element("b", {}, plainTitle(one)),
      element("small", {}, [kind ? text(kind) : one.kind, one.place_text].filter(Boolean).join(" · ")),
    );
    return row;
  }
}

/** The grade, and the mark of a drill that cannot be missed. */
export function badges(one: Incident): HTMLElement[] {
  const grade = element("span", { class: `em-badge grade-${one.grade ?? "none"}` }, gradeName(one.grade));
  return one.drill ? [element("span", { class: "em-badge drill-badge" }, term("drill")), grade] : [grade];
}

/** The title without the mark of drills, which stands beside it as a badge. */
export function plainTitle(one: Incident): string {
  return one.title.replace(/^【演练】/, "");
}
