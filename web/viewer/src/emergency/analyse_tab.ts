/** 研判: the picture around the place of an incident, and the ways to other analyses with the place filled in. */

import { AnalysisApi, ON_ITS_WAY, type Answer, type Inputs, type Process } from "../analysis_api";
import { findingsView, sourcesView, tablesView } from "../answer_views";
import { Problem } from "../api";
import { button, element } from "../dom";
import { extent } from "../overlays";
import { placeInputs } from "../place_inputs";
import type { Whole } from "./api";
import { areaShapes, PICTURE } from "./area_shapes";
import { field, problemLine, trying } from "./forms";
import { circle } from "./circle";
import { keptAnalysis } from "./keeping";
import { term, type Term } from "./words";
import type { Shown, Tab, Work } from "./work";

const RADII = "500, 1000, 3000";
const LOOK_EVERY_MS = 700;
const OTHERS: [string, Term][] = [
  ["nearest-resources", "nearest"], ["isochrone", "isochrone"], ["evacuation", "evacuation"], ["plume", "plume"], ["impact-area", "impactArea"],
  ["pipe-break", "pipeBreak"], ["flood", "flood"], ["flash-flood", "flashFlood"], ["debris-runout", "debrisRunout"], ["hazard-escape", "hazardEscape"], ["intensity", "intensity"],
];

export class AnalyseTab implements Tab {
  readonly element = element("div", { class: "em-analyse" });
  private readonly api: AnalysisApi;
  private readonly radii = element("input", { name: "radii", value: RADII, maxlength: "100" });
  private readonly problem = problemLine();
  private readonly result = element("div", { class: "em-answer", "aria-live": "polite" });
  private readonly run = button(term("makePicture"), "deed main-deed make-picture", () => void this.make());
  private readonly picture = element("section", {});
  private readonly others = element("section", {});
  private processes: Promise<Set<string>> | null = null;
  private whole: Whole | null = null;
  private may = false;
  private over = false;

  constructor(private readonly work: Work) {
    this.api = new AnalysisApi(work.api.session);
    this.element.append(this.picture, this.problem, this.result, this.others);
  }

  renew({ whole, may }: Shown): void {
    this.whole = whole;
    this.may = may;
    for (const keep of this.element.querySelectorAll<HTMLElement>(".keep-answer")) keep.hidden = !may;
  }

  /** Asked for when the tab is first looked at: what the server offers. */
  async opened(): Promise<void> {
    if (this.processes) return;
    this.processes = this.api.processes().then(({ processes }) => new Set(processes.map((one) => one.id)));
    const done = await trying(this.problem, async () => this.offer(await (this.processes as Promise<Set<string>>)));
    if (!done) this.processes = null;
  }

  end(): void {
    this.over = true;
    this.work.board.set({ picture: [] });
  }

  private offer(offered: Set<string>): void {
    this.picture.replaceChildren(element("h3", {}, term("picture")), ...(offered.has(PICTURE)
      ? [element("p", { class: "fine" }, term("pictureHint")), field(term("radii"), this.radii), this.run]
      : [element("p", { class: "none no-picture" }, term("noPicture"))]));
    this.others.replaceChildren(element("h3", {}, term("otherAnalyses")), element("div", { class: "em-ways" }, ...OTHERS.map(([id, title]) => this.way(id, title, offered.has(id)))));
  }

  private way(id: string, title: Term, there: boolean): HTMLElement {
    if (!there) return element("span", { class: "deed off", "data-process": id, title: term("noProcess") }, term(title), element("small", {}, ` ${term("noProcess")}`));
    const query = new URLSearchParams({ process: id, place: `${this.whole?.lon ?? 0},${this.whole?.lat ?? 0}`, ...(this.may ? { incident: this.work.code } : {}) });
    return element("a", { class: "deed", "data-process": id, href: `/analyses?${query}`, target: "_blank", rel: "noopener" }, term(title));
  }

  private async make(): Promise<void> {
    const whole = this.whole;
    if (!whole) return;
    this.run.disabled = true;
    this.run.textContent = term("running");
    await trying(this.problem, async () => {
      const radii = radiiOf(this.radii.value);
      const process = await this.api.process(PICTURE);
      const inputs = { ...placeInputs(process, [whole.lon, whole.lat]), ...radiiInput(process, radii) };
      const answer = await this.answer(process, inputs);
      if (!this.over) this.show(answer, inputs, radii, whole);
    });
    this.run.disabled = false;
    this.run.textContent = term("makePicture");
  }

  /** Run it; where the server runs it as a job only, wait for that. */
  private async answer(process: Process, inputs: Inputs): Promise<Answer> {
    if (process.jobControlOptions.includes("sync-execute")) return this.api.run(process.id, inputs);
    let job = await this.api.later(process.id, inputs);
    while (ON_ITS_WAY.has(job.status)) {
      this.run.textContent = `${term("running")} ${job.progress} %`;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      job = await this.api.job(job.jobID);
    }
    if (job.status !== "successful") throw new Problem(job.message || job.status);
    return this.api.results(job.jobID);
  }

  private show(answer: Answer, inputs: Inputs, radii: number[], { lon, lat }: Whole): void {
    const drawn = answer.geojson.features.filter((one) => one.geometry);
    if (!drawn.some((one) => one.properties?.["kind"] === "ring")) drawn.unshift(...radii.map((radius) => circle(lon, lat, radius)));
    this.work.board.set({ picture: areaShapes(PICTURE, drawn) });
    const box = extent({ type: "FeatureCollection", features: [circle(lon, lat, Math.max(...radii))] });
    if (box) this.work.look(box);
    const keep = button(term("keep"), "deed keep-answer", () => void this.keep(answer, inputs, drawn, keep));
    keep.hidden = !this.may;
    const clear = button(term("clear"), "deed", () => this.work.board.set({ picture: [] }));
    this.result.replaceChildren(...[
      answer.statement ? element("p", { class: "fine" }, answer.statement) : null, element("div", { class: "em-inline" }, keep, clear),
      tablesView(answer.tables, new Map()), answer.findings.length ? findingsView(answer.findings, new Map(), () => undefined) : null, sourcesView(answer),
    ].filter((one) => one !== null));
  }

  /** Put what was found down in the timeline; the rings are drawn from there then, for every seat. */
  private async keep(answer: Answer, inputs: Inputs, drawn: GeoJSON.Feature[], pressed: HTMLButtonElement): Promise<void> {
    const analysis = keptAnalysis(PICTURE, inputs, { ...answer, geojson: { type: "FeatureCollection", features: drawn } });
    if (!(await this.work.write(this.problem, () => this.work.api.add(this.work.code, "entries", { kind: "analysis", analysis })))) return;
    pressed.disabled = true;
    pressed.textContent = term("kept");
    this.work.board.set({ picture: areaShapes(PICTURE, drawn.filter((one) => one.properties?.["kind"] !== "ring")) });
  }
}

function radiiOf(written: string): number[] {
  const radii = written.split(/[\s,，、;；]+/).filter(Boolean).map(Number);
  if (!radii.length || radii.some((one) => !Number.isFinite(one) || one <= 0)) throw new Problem(term("badRadii"));
  return radii.sort((a, b) => a - b);
}

function radiiInput(process: Process, radii: number[]): Inputs {
  const name = ["radii_m", "radii"].find((one) => one in process.inputs);
  return name ? { [name]: radii } : {};
}
