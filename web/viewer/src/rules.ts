/** The page of the rules of reviews: the text in use, its editions, and keeping a new one. */

import { AnalysisApi, type Edition, type RuleSet } from "./analysis_api";
import { Problem } from "./api";
import { button, element, say } from "./dom";
import { openPage, problemView } from "./work_page";
import { term } from "./work_words";

const NAME = "compliance-review";

class RulesPage {
  private readonly lines = element("div", { class: "lines", "aria-hidden": "true" });
  private readonly text = element("textarea", { class: "rule-text", spellcheck: "false", wrap: "off", "aria-label": term("ruleText") });
  private readonly note = element("input", { name: "note", maxlength: "500", "aria-label": term("noteOfEdition"), placeholder: term("noteOfEdition") });
  private readonly wrong = element("div", { class: "rule-wrong", "aria-live": "polite" });
  private readonly shows = element("span", { class: "shows", role: "status" });
  private readonly history = element("div", { class: "editions" });
  private readonly save = button(term("saveEdition"), "main", () => void this.keep());
  private set: RuleSet = { name: NAME, number: 0, text: "", editions: [] };
  private shown = { number: 0, text: "" };

  constructor(private readonly api: AnalysisApi) {}

  async open(main: HTMLElement): Promise<void> {
    const may = this.api.session.operations.includes("publish");
    this.text.readOnly = !may;
    this.text.addEventListener("input", () => this.number());
    this.text.addEventListener("scroll", () => {
      this.lines.scrollTop = this.text.scrollTop;
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.changed) event.preventDefault();
    });
    const keeping = may ? element("div", { class: "keeping" }, this.note, this.save) : element("p", { class: "caution" }, term("readOnly"));
    main.append(
      element("section", { class: "card editor" }, element("div", { class: "row" }, element("h2", {}, term("ruleText")), this.shows),
        element("div", { class: "code" }, this.lines, this.text), keeping),
      element("aside", { class: "card side" }, this.wrong, element("h2", {}, term("editions")), this.history),
    );
    await this.load();
  }

  private get changed(): boolean {
    return this.text.value !== this.shown.text;
  }

  private async load(): Promise<void> {
    this.set = await this.api.rules(NAME);
    this.show(this.set.number, this.set.text);
  }

  private show(number: number, text: string): void {
    this.shown = { number, text };
    this.text.value = text;
    this.shown.text = this.text.value;
    this.text.scrollTop = 0;
    this.wrong.replaceChildren();
    this.number();
    this.list();
  }

  /** Number the lines, and say what is shown. */
  private number(): void {
    const count = this.text.value.split("\n").length;
    if (this.lines.childElementCount !== count) {
      this.lines.replaceChildren(...Array.from({ length: count }, (_, place) => element("span", {}, String(place + 1))));
    }
    for (const line of this.lines.querySelectorAll(".at-fault")) line.classList.remove("at-fault");
    this.shows.textContent = `${term("shows")} ${editionName(this.shown.number)}${this.changed ? `，${term("changedText")}` : ""}`;
    this.save.disabled = !this.changed && this.shown.number === this.set.number;
  }

  private list(): void {
    const shipped: Edition = { number: 0, author: "", note: term("shippedEdition"), created_at: "" };
    this.history.replaceChildren(element("ul", { class: "plain" }, ...[...this.set.editions, shipped].map((one) => element(
      "li", { class: one.number === this.shown.number ? "chosen" : "", "data-edition": String(one.number) },
      button(editionName(one.number), "link", () => void this.trying(() => this.openEdition(one.number))),
      one.number === this.set.number ? element("span", { class: "state" }, term("newest")) : null,
      element("small", {}, [one.author, one.created_at ? new Date(one.created_at).toLocaleString() : ""].filter(Boolean).join(" · ")),
      element("small", { class: "note" }, one.note),
    ))));
  }

  private async openEdition(number: number): Promise<void> {
    if (this.changed && !window.confirm(term("discard"))) return;
    this.show(number, number === this.set.number ? this.set.text : await this.api.edition(NAME, number));
  }

  private async keep(): Promise<void> {
    await this.trying(async () => {
      if (!this.note.value.trim()) throw new Problem(term("noteNeeded"));
      const { number } = await this.api.keepRules(NAME, this.set.number, this.text.value, this.note.value.trim());
      this.note.value = "";
      await this.load();
      say(term("saved").replace("N", String(number)));
    });
  }

  private async trying(act: () => Promise<void>): Promise<void> {
    this.wrong.replaceChildren();
    try {
      await act();
    } catch (error) {
      this.wrong.replaceChildren(element("h2", {}, term("correctThis")), problemView(error));
      if (error instanceof Problem) this.point(error.what);
    }
  }

  /** Mark the line a fault is in: by its number, or by the id of the entry it names. */
  private point(what: string): void {
    const text = this.text.value.split("\n");
    const told = /line (\d+)|第 (\d+) 行/.exec(what);
    let line = told ? Number(told[1] ?? told[2]) : 0;
    if (!line) line = 1 + text.findIndex((one) => (/^id\s*=\s*"([^"]+)"/.exec(one)?.[1] ?? "\n") === entryOf(what, text));
    if (!line) return;
    this.lines.children[line - 1]?.classList.add("at-fault");
    const height = this.text.scrollHeight / text.length;
    this.text.scrollTop = Math.max(0, (line - 5) * height);
  }
}

/** The id of the entry that a message names: the one among those of the text that stands in it as a word. */
function entryOf(what: string, lines: string[]): string {
  const ids = lines.map((line) => /^id\s*=\s*"([^"]+)"/.exec(line)?.[1] ?? "").filter(Boolean);
  return ids.sort((a, b) => b.length - a.length).find((id) => new RegExp(`(^|[\\s.])${id}([\\s.:：]|$)`).test(what)) ?? "";
}

function editionName(number: number): string {
  return term("editionNumber").replace("N", String(number));
}

void openPage("rules", (main, session) => new RulesPage(new AnalysisApi(session)).open(main));
