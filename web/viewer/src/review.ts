/** The page of the compliance review: a red line in, facts of the project, and the findings with their clauses. */

import { AnalysisApi, type Answer, type Inputs } from "./analysis_api";
import { coloursOf, findingsView, groupOf, groupsOf, shapesOf, sourcesView, tablesView, verdictView } from "./answer_views";
import { AreaInput } from "./area_input";
import { downloads } from "./downloads";
import { button, element } from "./dom";
import { areaText } from "./figures";
import { current, text } from "./i18n";
import { schemaForm, type SchemaForm } from "./schema_form";
import { WorkMap } from "./work_map";
import { openPage, problemView } from "./work_page";
import { term } from "./work_words";

const PROCESS = "compliance-review";
const SELDOM = new Set(["rules", "data_versions", "scenario"]);

class ReviewPage {
  private readonly statement = element("p", { class: "statement" }, term("assists"));
  private readonly result = element("section", { class: "card result", "aria-live": "polite", hidden: "" });
  private readonly wrong = element("div", {});
  private readonly go = button(term("run"), "main run", () => void this.run());
  private readonly steps: HTMLDetailsElement[] = [];

  private constructor(
    private readonly api: AnalysisApi, private readonly map: WorkMap | null, private readonly form: SchemaForm, private readonly area: AreaInput,
  ) {}

  static async open(main: HTMLElement, api: AnalysisApi): Promise<void> {
    const place = element("div", { class: "work-map" });
    const column = element("div", { class: "work-column" });
    main.append(column, place);
    const [process, map] = await Promise.all([api.process(PROCESS), WorkMap.open(place)]);
    const form = schemaForm(process.inputs, SELDOM);
    offerUses(form.element, map);
    let page: ReviewPage | null = null;
    const area = new AreaInput(api, map, () => page?.outdated());
    page = new ReviewPage(api, map, form, area);
    page.lay(column);
    if (map) map.picked = (rule) => page.show(rule);
  }

  private lay(column: HTMLElement): void {
    const step = (title: string, ...parts: HTMLElement[]): HTMLDetailsElement =>
      element("details", { class: "card step", open: "" }, element("summary", {}, element("h2", {}, title)), ...parts);
    this.steps.push(
      step(term("stepRedLine"), this.area.element),
      step(term("stepFacts"), this.form.element, element("div", { class: "row" }, this.go), this.wrong),
    );
    column.append(this.statement, ...this.steps, this.result);
  }

  /** Another red line: what was found no longer belongs to it. */
  private outdated(): void {
    this.result.hidden = true;
    this.wrong.replaceChildren();
    this.map?.showPieces({ type: "FeatureCollection", features: [] }, groupOf, []);
  }

  private async run(): Promise<void> {
    this.wrong.replaceChildren();
    try {
      const inputs: Inputs = this.form.inputs();
      if (this.area.value === null) throw new Error(term("needArea"));
      inputs["area"] = this.area.value;
      this.go.disabled = true;
      this.wrong.replaceChildren(element("p", { role: "status" }, term("runningNow")), element("progress", {}));
      const answer = await this.api.run(PROCESS, inputs);
      this.wrong.replaceChildren();
      this.tell(answer, inputs);
    } catch (error) {
      this.wrong.replaceChildren(problemView(error));
    } finally {
      this.go.disabled = false;
    }
  }

  private tell(answer: Answer, inputs: Inputs): void {
    const groups = groupsOf(answer);
    this.map?.showPieces(shapesOf(answer).pieces, groupOf, groups);
    const land = answer.findings.find((one) => one.rule === "land-status")?.layer ?? "land_status";
    if (answer.statement && current() === "zh") this.statement.textContent = answer.statement;
    const name = String(answer.summary["project"] || "") || term("review");
    const picture = element("img", { class: "print-map", alt: "" });
    this.result.replaceChildren(...[
      element("h2", {}, term("stepResult")),
      verdictView(String(answer.summary["verdict"]), answer.findings),
      element("p", { class: "area" }, areaText(Number(answer.summary["area_m2"]), current())),
      element("p", { class: "hint" }, factsOf(answer)),
      element("div", { class: "row tools" }, downloads(name, (form) => this.api.file(PROCESS, inputs, form)), button(term("print"), "plain-button", () => void this.print(picture))),
      picture,
      findingsView(answer.findings, new Map(groups.map((one) => [one.id, one])), (rule) => this.map?.zoomTo(rule)),
      tablesView(answer.tables, coloursOf(this.map?.style(land)?.layers)),
      sourcesView(answer),
    ].filter((one) => one !== null));
    this.result.hidden = false;
    for (const step of this.steps) step.open = false;
    this.result.scrollIntoView({ block: "start" });
  }

  /** The finding of a piece that was clicked. */
  private show(rule: string): void {
    for (const row of this.result.querySelectorAll<HTMLElement>(".finding")) {
      const mine = row.dataset["rule"] === rule;
      row.classList.toggle("picked", mine);
      if (mine) row.scrollIntoView({ block: "nearest" });
    }
  }

  private async print(picture: HTMLImageElement): Promise<void> {
    if (this.map) {
      picture.src = await this.map.picture();
      await picture.decode().catch(() => undefined);
    }
    window.print();
  }
}

function factsOf(answer: Answer): string {
  const facts: [string, unknown][] = [
    [term("parcels"), answer.summary["parcels"]], [term("reviewedOn"), answer.summary["on"]], [term("ruleEdition"), answer.rules["edition"]],
    [term("operator"), answer.summary["operator"]],
  ];
  return facts.filter(([, value]) => value).map(([name, value]) => `${name} ${String(value)}`).join("　");
}

/** The codes of planned uses, to choose from while typing. */
function offerUses(form: HTMLElement, map: WorkMap | null): void {
  const input = form.querySelector<HTMLInputElement>("input[name=use]");
  const codes = map?.catalog.layers.find((one) => one.id === "plan_parcels")?.fields.find((one) => one.name === "use_code")?.codes;
  if (!input || !codes) return;
  const list = element("datalist", { id: "use-codes" }, ...Object.entries(codes).map(([code, name]) => element("option", { value: code }, `${code} ${text(name)}`)));
  input.setAttribute("list", list.id);
  form.append(list);
}

void openPage("review", (main, session) => ReviewPage.open(main, new AnalysisApi(session)));
