/** The page of all analyses: choose one, fill its form in, run it now or in the background, see what it found. */

import { AnalysisApi, type Answer, type Inputs, type Job, ON_ITS_WAY, type Process, type SummaryWord } from "./analysis_api";
import { findingsView, groupOf, groupsOf, shapesOf, sourcesView, tablesView, verdictView } from "./answer_views";
import { AreaInput, type OfferedArea } from "./area_input";
import { EmergencyApi } from "./emergency/api";
import { keptAnalysis } from "./emergency/keeping";
import { offeredAreas } from "./emergency/offered_areas";
import { downloads } from "./downloads";
import { button, element } from "./dom";
import { figure, measure } from "./figures";
import { current } from "./i18n";
import { placeInputs } from "./place_inputs";
import { schemaForm } from "./schema_form";
import { WorkMap } from "./work_map";
import { openPage, problemView } from "./work_page";
import { term, termFor } from "./work_words";

const LOOK_EVERY_MS = 700;

class AnalysesPage {
  private readonly list = element("nav", { class: "card process-list", "aria-label": term("chooseAnalysis") });
  private readonly form = element("section", { class: "card", hidden: "" });
  private readonly state = element("div", { "aria-live": "polite" });
  private readonly result = element("section", { class: "card result", hidden: "" });
  private readonly jobs = element("section", { class: "card" });
  private followed = "";
  private offered: OfferedArea[] = [];

  private constructor(
    private readonly api: AnalysisApi, private readonly map: WorkMap | null, private readonly processes: Process[],
  ) {}

  static async open(main: HTMLElement, api: AnalysisApi): Promise<void> {
    const place = element("div", { class: "work-map" });
    const column = element("div", { class: "work-column" });
    main.append(column, place);
    const [{ processes }, map] = await Promise.all([api.processes(), WorkMap.open(place)]);
    const page = new AnalysesPage(api, map, processes);
    column.append(page.list, page.form, page.result, page.jobs);
    page.offer();
    await page.listJobs();
    const query = new URLSearchParams(location.search);
    await page.readIncident(query.get("incident"));
    const wanted = query.get("process");
    if (wanted) await page.choose(wanted, placeOf(query.get("place")));
  }

  /** Where the page was opened for an incident, its areas are offered. */
  private async readIncident(code: string | null): Promise<void> {
    if (code) await this.trying(async () => {
      this.offered = offeredAreas(await new EmergencyApi(this.api.session).whole(code));
    });
  }

  private offer(): void {
    this.list.replaceChildren(element("h2", {}, term("chooseAnalysis")), ...this.processes.map((one) => {
      const entry = button("", "process", () => void this.choose(one.id));
      entry.dataset["process"] = one.id;
      entry.append(element("b", {}, one.title), element("small", {}, one.description.split("\n")[0] ?? ""));
      return entry;
    }));
  }

  /** Lay the form of an analysis; `place` fills in what asks for a place. */
  private async choose(id: string, place: [number, number] | null = null): Promise<void> {
    for (const entry of this.list.querySelectorAll<HTMLElement>(".process")) entry.setAttribute("aria-pressed", String(entry.dataset["process"] === id));
    this.result.hidden = true;
    this.form.hidden = false;
    try {
      const process = await this.api.process(id);
      this.lay(process);
      if (place) fillPlace(this.form, process, place);
    } catch (error) {
      this.form.replaceChildren(problemView(error));
    }
    this.form.scrollIntoView({ block: "nearest" });
  }

  private lay(process: Process): void {
    const areas = Object.entries(process.inputs).filter(([, input]) => input.schema["x-cim-input"] === "area")
      .map(([name, input]) => ({ name, input, field: new AreaInput(this.api, this.map, () => undefined, this.offered) }));
    const fields = schemaForm(process.inputs);
    const collect = (): Inputs => {
      const inputs = fields.inputs();
      for (const { name, input, field } of areas) {
        if (field.value !== null) inputs[name] = field.value;
        else if (input.minOccurs > 0) throw new Error(term("needArea"));
      }
      return inputs;
    };
    const now = process.jobControlOptions.includes("sync-execute");
    const identified = this.api.session.role !== "anonymous";
    this.state.replaceChildren();
    this.form.replaceChildren(
      element("h2", {}, process.title),
      ...process.description.split("\n").slice(0, 1).map((line) => element("p", { class: "hint" }, line)),
      ...areas.map(({ input, field }) => element("fieldset", {}, element("legend", {}, input.title, input.minOccurs ? element("span", { class: "must" }, " *") : null), field.element)),
      fields.element,
      ...(now ? [] : [element("p", { class: "caution" }, identified ? term("longOne") : `${term("longOne")}；${term("loginFirst")}`)]),
      element("div", { class: "row" },
        now ? button(term("runIt"), "main run", () => void this.run(process, collect)) : null,
        identified ? button(term("asJob"), now ? "plain-button" : "main run", () => void this.runLater(process, collect)) : null),
      this.state,
    );
  }

  private async run(process: Process, collect: () => Inputs): Promise<void> {
    await this.trying(async () => {
      const inputs = collect();
      this.state.replaceChildren(element("p", { role: "status" }, term("runningNow")), element("progress", {}));
      const answer = await this.api.run(process.id, inputs);
      this.state.replaceChildren();
      this.tell(process.title, answer, (form) => (form === "json" ? jsonFile(answer) : this.api.file(process.id, inputs, form)), this.keeping(process.id, inputs, answer));
    });
  }

  private async runLater(process: Process, collect: () => Inputs): Promise<void> {
    await this.trying(async () => {
      const job = await this.api.later(process.id, collect());
      await this.follow(job);
    });
  }

  /** Watch a job until it rests, or until another is watched. */
  private async follow(first: Job): Promise<void> {
    this.followed = first.jobID;
    await this.listJobs();
    let job = first;
    const told = element("p", { role: "status" });
    const bar = element("progress", { max: "100" });
    const stop = button(term("stop"), "plain-button", () => void this.trying(async () => {
      await this.api.dismiss(first.jobID);
    }));
    this.state.replaceChildren(told, bar, element("div", { class: "row" }, stop));
    while (ON_ITS_WAY.has(job.status)) {
      bar.value = job.progress;
      told.textContent = `${termFor(job.status)} ${job.progress} % ${job.message}`;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      job = await this.api.job(first.jobID);
      if (this.followed !== first.jobID) return;
    }
    this.state.replaceChildren(job.status === "failed" ? problemView(new Error(job.message)) : element("p", { role: "status" }, termFor(job.status)));
    await this.listJobs();
    if (job.status === "successful") await this.openJob(job);
  }

  private async openJob(job: Job): Promise<void> {
    const answer = await this.api.results(job.jobID);
    const title = this.processes.find((one) => one.id === job.processID)?.title ?? job.processID;
    this.tell(title, answer, (form) => (form === "json" ? jsonFile(answer) : this.api.fileOfJob(job.jobID, form)), this.keeping(job.processID, {}, answer));
  }

  private tell(title: string, answer: Answer, make: (form: string) => Promise<Blob>, keep: HTMLElement | null): void {
    const groups = groupsOf(answer);
    const { pieces, parcels } = shapesOf(answer);
    this.map?.showPieces(pieces, groupOf, groups);
    if (parcels.features.length) this.map?.showRedLine(parcels);
    else this.map?.fitPieces();
    const verdict = answer.summary["verdict"];
    this.result.replaceChildren(...[
      element("h2", {}, `${term("result")}：${title}`),
      answer.statement ? element("p", { class: "statement" }, answer.statement) : null,
      typeof verdict === "string" ? verdictView(verdict, answer.findings) : null,
      downloads(title, make, ["geojson", "json"]),
      keep,
      summaryView(answer),
      answer.findings.length ? findingsView(answer.findings, new Map(groups.map((one) => [one.id, one])), (rule) => this.map?.zoomTo(rule)) : null,
      tablesView(answer.tables, new Map()),
      sourcesView(answer),
    ].filter((one) => one !== null));
    this.result.hidden = false;
    this.result.scrollIntoView({ block: "start" });
  }

  /** Where the page was opened for an incident: a button that puts the answer in its timeline. */
  private keeping(process: string, inputs: Inputs, answer: Answer): HTMLElement | null {
    const code = new URLSearchParams(location.search).get("incident");
    if (!code) return null;
    const told = element("span", { role: "status" });
    const keep = button(`${term("keepInIncident")} ${code}`, "plain-button keep-answer", () => void this.trying(async () => {
      keep.disabled = true;
      try {
        await new EmergencyApi(this.api.session).add(code, "entries", { kind: "analysis", analysis: keptAnalysis(process, inputs, answer) });
      } catch (error) {
        keep.disabled = false;
        throw error;
      }
      told.replaceChildren(`${term("keptInIncident")} `, element("a", { href: `/map?incident=${encodeURIComponent(code)}` }, term("openIncident")));
    }));
    return element("div", { class: "row" }, keep, told);
  }

  private async listJobs(): Promise<void> {
    const head = element("h2", {}, term("jobs"));
    if (this.api.session.role === "anonymous") {
      this.jobs.replaceChildren(head, element("p", { class: "none" }, term("jobsLogin")));
      return;
    }
    const { jobs } = await this.api.jobs();
    const titles = new Map(this.processes.map((one) => [one.id, one.title]));
    this.jobs.replaceChildren(head, jobs.length ? element("ul", { class: "jobs" }, ...jobs.map((one) => this.jobRow(one, titles.get(one.processID) ?? one.processID))) : element("p", { class: "none" }, term("noJobs")));
  }

  private jobRow(job: Job, title: string): HTMLElement {
    const going = ON_ITS_WAY.has(job.status);
    const end = button(term(going ? "stop" : "delete"), "plain-button", () => void this.trying(async () => {
      await this.api.dismiss(job.jobID);
      await this.listJobs();
    }));
    const open = job.status === "successful" ? button(term("open"), "plain-button", () => void this.trying(() => this.openJob(job)))
      : going ? button(term("open"), "plain-button", () => void this.trying(() => this.follow(job))) : null;
    return element(
      "li", { "data-job": job.jobID }, element("span", { class: `state ${job.status}` }, going ? `${termFor(job.status)} ${job.progress} %` : termFor(job.status)),
      element("b", {}, title), element("small", {}, new Date(job.created).toLocaleString()),
      job.status === "failed" ? element("small", { class: "caution" }, job.message) : null, element("span", { class: "spring" }), open, end,
    );
  }

  private async trying(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.form.hidden = false;
      if (!this.state.isConnected) this.form.append(this.state);
      this.state.replaceChildren(problemView(error));
    }
  }
}

/** Longitude and latitude as an address holds them, "103.95,30.98". */
function placeOf(given: string | null): [number, number] | null {
  const [lon, lat] = (given ?? "").split(",").map(Number);
  return given && Number.isFinite(lon) && Number.isFinite(lat) ? [lon as number, lat as number] : null;
}

function fillPlace(form: HTMLElement, process: Process, place: [number, number]): void {
  for (const [name, value] of Object.entries(placeInputs(process, place))) {
    const control = form.querySelector<HTMLInputElement | HTMLTextAreaElement>(`.schema-form [name="${name}"]`);
    if (!control) continue;
    control.value = typeof value === "object" ? JSON.stringify(value) : String(value);
    control.closest("details")?.setAttribute("open", "");
  }
}

function jsonFile(answer: Answer): Promise<Blob> {
  return Promise.resolve(new Blob([JSON.stringify(answer, null, 1)], { type: "application/json" }));
}

/** Plain figures of a summary by their names; what has parts of its own is in the file. */
function summaryView({ summary, summary_words: words = {} }: Answer): HTMLElement | null {
  const plain = Object.entries(summary).filter(([name, value]) => name !== "verdict" && value !== null && value !== "" && typeof value !== "object");
  if (!plain.length) return null;
  return element("table", { class: "rows summary" }, element("tbody", {}, ...plain.map(([name, value]) => element(
    "tr", {}, element("th", { scope: "row" }, words[name]?.title[current()] ?? termFor(name)), element("td", { class: typeof value === "number" ? "number" : "" }, named(name, value, words[name])),
  ))));
}

/** A value of a summary: a word of the programme in words, a figure with its unit. */
function named(name: string, value: unknown, word: SummaryWord | undefined): string {
  if (typeof value === "boolean") return term(value ? "yes" : "no");
  if (typeof value !== "number") return word?.values?.[String(value)]?.[current()] ?? String(value);
  const unit = name.split("_").at(-1) ?? "";
  if (["m2", "ha", "mu"].includes(unit)) return measure(value, unit, current());
  const shown = figure(value, Number.isInteger(value) ? 0 : 2);
  return word?.unit ? `${shown} ${word.unit}` : shown;
}

void openPage("analyses", (main, session) => AnalysesPage.open(main, new AnalysisApi(session)));
