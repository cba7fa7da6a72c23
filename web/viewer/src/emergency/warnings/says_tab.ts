/** What a warning says, what the server found of it, and where it came from. */

import { button, element } from "../../dom";
import { moment } from "../../live/words";
import { infoOf, path, type Info, type Whole } from "./api";
import { categoryName, term } from "./words";

export class SaysTab {
  readonly element = element("div", { class: "em-facts ew-says" });

  constructor(private readonly open: (code: string) => void) {}

  renew(whole: Whole): void {
    const info = infoOf(whole);
    this.element.replaceChildren(...this.findings(whole), ...(info ? texts(info) : [element("p", { class: "none" }, term("nothingSaid"))]), element("dl", {}, ...rows(whole, info).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])), this.links(whole));
  }

  private findings(whole: Whole): HTMLElement[] {
    if (!whole.findings.length) return [];
    return [element("section", { class: "ew-findings", "aria-label": term("findings") }, element("b", {}, term("findings")), element("ul", {}, ...whole.findings.map((one) => element("li", {}, one))))];
  }

  private links(whole: Whole): HTMLElement {
    const { replaced_by: other } = whole;
    return element(
      "p", { class: "ew-links" }, element("a", { href: path(whole.code, "").concat("?f=cap"), target: "_blank", rel: "noopener", class: "ew-cap" }, term("document")),
      other ? button(`${term("replacedBy")} ${other}`, "link", () => this.open(other)) : null, whole.alarm ? element("span", {}, `${term("fromAlarm")} ${whole.alarm}`) : null,
    );
  }
}

function texts(info: Info): HTMLElement[] {
  const parts: [string, string][] = [[term("description"), info.description], [term("instruction"), info.instruction]];
  return parts.filter(([, said]) => said).map(([name, said]) => element("section", {}, element("h3", {}, name), element("p", { class: "ew-text" }, said)));
}

function rows(whole: Whole, info: Info | null): [string, string][] {
  const areas = info?.areas.map((one) => one.description).filter(Boolean).join("、") ?? "";
  const all: [string, string][] = [
    [term("event"), [whole.event, ...(info?.categories ?? []).map(categoryName)].filter(Boolean).join(" · ")],
    [term("issuer"), info?.sender_name ?? ""],
    [term("sent"), moment(whole.sent)],
    [term("onset"), moment(info?.onset ?? whole.effective)],
    [term("expires"), whole.expires ? moment(whole.expires) : term("noEnd")],
    [term("areaName"), areas || (whole.geometry ? "" : term("noArea"))],
    [term("contact"), info?.contact ?? ""],
    [term("sender"), whole.sender],
    [term("identifier"), whole.national_id ? whole.identifier : `${whole.identifier}（${term("notNational")}）`],
  ];
  return all.filter(([, value]) => value);
}
