/** Changing a mark: its label and symbol in a form, its place and shape on the map; saved when that is pressed. */

import { button, element, say } from "../../dom";
import { moment } from "../../live/words";
import type { Mark, Whole } from "../api";
import { field, formOf, problemLine, submitButton } from "../forms";
import { symbolName, symbolOf, SYMBOLS, type Shape } from "../symbols";
import { term } from "../words";
import type { Shown, Work } from "../work";
import { changedParts, changeText } from "./differences";
import type { Underway } from "./drawing";
import { Handles } from "./handles";
import { markTerm } from "./words";

export class MarkEditor {
  readonly element: HTMLElement;
  private readonly label = element("input", { name: "mark-label", maxlength: "200" });
  private readonly symbol = element("select", { name: "mark-symbol" });
  private readonly hint = element("p", { class: "em-drawing-hint", role: "status" });
  private readonly notice = element("div", { class: "em-conflict", role: "alert", hidden: "" });
  private readonly problem = problemLine();
  private readonly save = submitButton(markTerm("save"), "deed main-deed save-mark");
  private readonly cancel = button(markTerm("cancel"), "deed cancel-mark", () => this.done());
  private readonly redraw = button(markTerm("redraw"), "deed redraw-mark", () => this.drawAnew());
  private readonly handles: Handles;
  private readonly shape: Shape;
  private draft: Mark;
  /** The newest state of the server, where it is another than was begun with; `gone` where it was removed. */
  private theirs: Mark | null = null;
  private gone = false;
  private may = true;
  private past = false;
  private sending = false;
  private latest: Whole | null = null;
  private drawing: Underway | null = null;

  /** `base` is the mark as the server has it. */
  constructor(private readonly work: Work, private base: Mark, private readonly ended: () => void) {
    this.draft = base;
    this.shape = shapeOf(base.geometry);
    this.handles = new Handles(work.map.gl, (geometry) => this.become({ geometry }));
    this.symbol.append(...symbolsFor(this.shape, base.symbol).map((name) => element("option", { value: name }, symbolName(name))));
    this.label.addEventListener("input", () => this.read());
    this.symbol.addEventListener("change", () => this.read());
    this.element = formOf(
      "em-mark-editor", () => void this.send(), element("h3", {}, markTerm("editing")),
      element("div", { class: "em-two" }, field(markTerm("label"), this.label), field(markTerm("symbol"), this.symbol)), this.hint, this.notice,
      element("div", { class: "em-inline" }, this.save, this.redraw, this.cancel), this.problem,
    );
    this.fill();
    this.tell();
  }

  get number(): number {
    return this.base.number;
  }
  get busy(): boolean {
    return this.drawing !== null;
  }
  get dirty(): boolean {
    return Object.keys(changedParts(this.base, this.draft)).length > 0;
  }

  /** Whether a point of the map is on a handle. */
  covers(x: number, y: number): boolean {
    return this.handles.covers(x, y);
  }

  /** The incident as it is now: what others made of this mark is told, and what was changed here stays. */
  renew({ whole, at, may }: Shown): void {
    this.past = at !== null;
    if (!this.past) {
      this.may = may;
      this.latest = whole;
      if (!this.sending) this.compare(whole);
    }
    this.tell();
  }

  end(): void {
    this.drawing?.cancel();
    this.handles.end();
    this.work.board.set({ draft: null });
  }

  private compare(whole: Whole): void {
    const now = whole.marks.find((one) => one.number === this.base.number);
    if (now ? now.version <= (this.theirs ?? this.base).version : this.gone) return;
    if (this.dirty) {
      this.theirs = now ?? null;
      this.gone = !now;
      this.tellConflict(now ?? null, whole);
    } else if (now) {
      this.tellNotice(`${now.author} ${moment(now.at)} ${markTerm("theyChanged")}：${changeText(this.base, now)}。${markTerm("taken")}`);
      this.restart(now);
    } else {
      say(`${removal(whole, this.base.number)} ${markTerm("theyRemoved")}`);
      this.done();
    }
  }

  private tellConflict(now: Mark | null, whole: Whole): void {
    const who = now ? `${now.author} ${moment(now.at)} ${markTerm("theyChanged")}：${changeText(this.base, now)}` : `${removal(whole, this.base.number)} ${markTerm("theyRemoved")}`;
    const ways = now
      ? [button(markTerm("keepMine"), "deed keep-mine", () => void this.sendOver(now)), button(markTerm("takeTheirs"), "deed take-theirs", () => this.takeTheirs(now))]
      : [button(markTerm("drawMine"), "deed keep-mine", () => void this.drawMine()), button(markTerm("cancel"), "deed take-theirs", () => this.done())];
    this.problem.textContent = "";
    this.tellNotice(`${who}。${markTerm("mineKept")}`, ...ways);
  }

  private tellNotice(text: string, ...ways: HTMLElement[]): void {
    this.notice.hidden = false;
    this.notice.replaceChildren(element("p", {}, text), ...(ways.length ? [element("div", { class: "em-inline" }, ...ways)] : []));
  }

  /** Save, in place of the version that was begun with. */
  private async send(): Promise<void> {
    if (this.save.disabled) return;
    const parts = changedParts(this.base, this.draft);
    if (!Object.keys(parts).length) {
      this.problem.textContent = markTerm("nothing");
      return;
    }
    await this.write(() => this.work.api.edit(this.work.code, `marks/${this.base.number}`, { version: this.base.version, ...parts }));
  }

  /** Save what was changed here over what somebody made of the mark; what was not changed here stays theirs. */
  private async sendOver(theirs: Mark): Promise<void> {
    const mine = changedParts(this.base, this.draft);
    this.base = theirs;
    this.settle();
    this.become({ ...theirs, ...mine });
    this.fill();
    await this.send();
  }

  private async drawMine(): Promise<void> {
    const { geometry, symbol, label, style } = this.draft;
    await this.write(() => this.work.api.add(this.work.code, "marks", { geometry, symbol, label, style }));
  }

  private async write(act: () => Promise<unknown>): Promise<void> {
    this.sending = true;
    this.tell();
    const wrote = await this.work.write(this.problem, act);
    this.sending = false;
    if (wrote) {
      this.done();
      return;
    }
    if (this.latest) this.compare(this.latest);
    this.tell();
  }

  private takeTheirs(theirs: Mark): void {
    this.settle();
    this.restart(theirs);
    this.tell();
  }

  private settle(): void {
    this.theirs = null;
    this.gone = false;
    this.notice.hidden = true;
  }

  private restart(mark: Mark): void {
    this.base = mark;
    this.draft = mark;
    this.fill();
    this.become({});
  }

  private done(): void {
    this.end();
    this.ended();
  }

  private drawAnew(): void {
    this.drawing?.cancel();
    this.handles.show(null);
    this.drawing = this.work.draw(this.shape, (geometry) => this.become({ geometry }), () => {
      this.drawing = null;
      this.tell();
    });
    this.tell();
  }

  /** Put the mark into the form; its symbol's own name is no label. */
  private fill(): void {
    const { label, symbol } = this.draft;
    this.label.value = label === symbolOf(symbol).zh ? "" : label;
    this.label.placeholder = symbolName(symbol);
    this.symbol.value = symbol;
  }

  private read(): void {
    const symbol = this.symbol.value;
    this.label.placeholder = symbolName(symbol);
    this.become({ symbol, label: this.label.value.trim() || symbolOf(symbol).zh });
  }

  private become(parts: Partial<Mark>): void {
    this.draft = { ...this.draft, ...parts };
    this.tell();
  }

  /** Show how it stands: what can be pressed, and on the map the mark as it is edited beside what others made of it. */
  private tell(): void {
    const { past, drawing, draft } = this;
    this.element.hidden = past;
    this.save.disabled = this.sending || !this.may || this.theirs !== null || this.gone;
    this.save.textContent = markTerm(this.sending ? "saving" : "save");
    this.cancel.textContent = markTerm(this.dirty ? "cancel" : "close");
    this.redraw.disabled = !this.may;
    if (!this.may) this.hint.textContent = markTerm("incidentClosed");
    else if (drawing) this.hint.textContent = term(this.shape === "point" ? "drawPoint" : "drawShape");
    else this.hint.textContent = markTerm(this.shape === "point" ? "dragPoint" : "dragShape");
    this.handles.show(past || drawing || !this.may ? null : draft.geometry, past ? null : (this.theirs?.geometry ?? null));
    this.work.board.set({ draft: past ? null : draft });
  }
}

/** What symbols a shape can have; one that this page does not know is kept. */
function symbolsFor(shape: Shape, held: string): string[] {
  const known = Object.entries(SYMBOLS).filter(([, one]) => one.shape === shape).map(([name]) => name);
  return known.includes(held) ? known : [held, ...known];
}

function shapeOf({ type }: GeoJSON.Geometry): Shape {
  return type.endsWith("Point") ? "point" : type.endsWith("LineString") ? "line" : "area";
}

/** Who removed a mark, and when. */
function removal({ entries }: Whole, number: number): string {
  const entry = entries.findLast(({ kind, body }) => kind === "mark" && body["mark"] === number);
  return entry ? `${entry.author} ${moment(entry.at)}` : markTerm("somebody");
}
