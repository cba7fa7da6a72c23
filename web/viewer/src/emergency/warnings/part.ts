/** 预警: the part of the emergency panel that shows warnings, calls people about them and issues them. */

import { element } from "../../dom";
import type { FeedState } from "../../live/feed";
import { extent } from "../../overlays";
import type { EmergencyHost } from "../host";
import { isDrill, plainTitle, WarningsApi, type Held, type News, type Taken, type Whole } from "./api";
import { WarningAreas, type Drawn } from "./areas";
import { centroidOf } from "./centroid";
import { ImportForm } from "./import_form";
import { IssueForm } from "./issue_form";
import { WarningList } from "./list";
import { WarningStore } from "./store";
import { takenWords, WarningView } from "./view";
import { term } from "./words";
import "./warnings.css";

const EDGE_PX = 40;
const LAYERS_PX = 330;
const NEAR_ZOOM = 15;

/** What a report of an incident is filled in with. */
export interface ReportGiven {
  lon: number;
  lat: number;
  title: string;
  drill: boolean;
}

/** What the panel around gives and is told. */
export interface PartDeeds {
  /** Something is to be shown that changes the panel: a drill, how many are in force. */
  changed(): void;
  close(): void;
  /** Report an incident; null where that may not be done. */
  report: ((given: ReportGiven) => void) | null;
  /** What the panel hides of the map. */
  room(): { top: number; right: number; bottom: number; left: number };
}

interface Shown {
  readonly element: HTMLElement;
  readonly busy: boolean;
  readonly drill: boolean;
  end(): void;
}

export class WarningsPart {
  readonly element = element("div", { class: "em-body", hidden: "" });
  private readonly lost = element("p", { class: "em-lost", role: "status", hidden: "" }, term("lost"));
  private readonly body = element("div", {});
  private readonly api: WarningsApi;
  private readonly areas: WarningAreas;
  private readonly store: WarningStore;
  private readonly list: WarningList;
  private shown: Shown | null = null;
  private asked = 0;

  constructor(private readonly host: EmergencyHost, private readonly deeds: PartDeeds) {
    this.api = new WarningsApi(host.session);
    this.areas = new WarningAreas(host.map.gl, host.board);
    this.areas.fill(false);
    this.store = new WarningStore(this.api, () => this.renew(), (news) => this.hear(news), (state) => this.connection(state), (error) => host.failed(error));
    this.list = new WarningList(this.store, { open: (code) => void this.show(code), issue: () => this.issue(null), take: () => this.take(), close: () => deeds.close() }, this.api.mayPublish, host.session.user !== null);
    this.element.append(this.lost, this.body);
    this.body.append(this.list.element);
    const { areas } = this;
    window.onemapWarnings = {
      get drawn() {
        return areas.drawn;
      },
    };
  }

  /** Whether clicks on the map are its own. */
  get busy(): boolean {
    return !this.element.hidden && this.shown?.busy === true;
  }
  get drill(): boolean {
    return !this.element.hidden && this.shown?.drill === true;
  }
  /** How many real ones are in force. */
  get count(): number {
    return this.store.active.filter(({ held }) => !isDrill(held)).length;
  }

  /** Begin to follow warnings, when the panel opens. */
  async start(): Promise<void> {
    await this.store.start(() => !this.element.hidden);
  }

  stop(): void {
    this.store.stop();
    this.back();
    this.areas.show([], null);
  }

  /** Whether it is the part that is looked at: then it is followed as it happens. */
  front(on: boolean): void {
    this.element.hidden = !on;
    this.lost.hidden = true;
    this.store.follow(on);
    this.areas.fill(on);
    this.draw();
    this.deeds.changed();
  }

  /** Show a warning with all it says. */
  async show(code: string, told = ""): Promise<void> {
    const mine = ++this.asked;
    try {
      const whole = await this.api.whole(code);
      if (mine !== this.asked) return;
      const view = new WarningView(this.api, whole, {
        back: () => this.back(),
        open: (other) => void this.show(other),
        made: (taken) => this.made(taken),
        update: (first) => this.issue(first),
        incident: this.deeds.report ? (of) => this.report(of) : null,
        fly: (lon, lat) => this.host.map.gl.flyTo({ center: [lon, lat], zoom: Math.max(this.host.map.gl.getZoom(), NEAR_ZOOM), padding: this.deeds.room() }),
      });
      this.put(view);
      if (told) view.tell(told);
      this.goTo(whole);
    } catch (error) {
      this.host.failed(error);
    }
  }

  /** Make a draft of an alarm, and show it. */
  async draftOf(alarm: string): Promise<void> {
    try {
      this.made(await this.api.draftOf(alarm));
    } catch (error) {
      this.host.failed(error);
    }
  }

  /** Open what a click on the map meets; a further click there opens what lies below. */
  pick(x: number, y: number): boolean {
    if (this.element.hidden || this.busy) return false;
    const codes = this.areas.at(x, y);
    const code = codes[(codes.indexOf(this.view?.whole.code ?? "") + 1) % codes.length];
    if (code === undefined) return false;
    if (code !== this.view?.whole.code) void this.show(code);
    return true;
  }

  private get view(): WarningView | null {
    return this.shown instanceof WarningView ? this.shown : null;
  }

  private put(shown: Shown | null): void {
    this.asked += 1;
    this.shown?.end();
    this.shown = shown;
    this.body.replaceChildren((shown ?? this.list).element);
    this.element.scrollTop = 0;
    this.draw();
    this.deeds.changed();
  }

  private back(): void {
    this.put(null);
    this.host.map.gl.setPadding({ top: 0, right: 0, bottom: 0, left: 0 });
  }

  private issue(first: Whole | null): void {
    const form = new IssueForm(this.api, this.host.map, first, { made: (taken) => this.made(taken), back: () => (first ? void this.show(first.code) : this.back()) });
    form.element.addEventListener("dressed", () => this.deeds.changed());
    this.put(form);
  }

  private take(): void {
    this.put(new ImportForm(this.api, { made: (taken) => this.made(taken, false), back: () => this.back() }));
  }

  private made(taken: Taken, issued = true): void {
    void this.show(taken.code, takenWords(taken, issued));
    void this.store.read().catch((error: unknown) => this.host.failed(error));
  }

  private report(whole: Whole): void {
    const place = whole.geometry ? centroidOf(whole.geometry) : null;
    if (place) this.deeds.report?.({ lon: place[0], lat: place[1], title: plainTitle(whole), drill: isDrill(whole) });
  }

  private renew(): void {
    this.list.renew();
    this.draw();
    this.deeds.changed();
  }

  private hear({ warning }: News): void {
    const { view } = this;
    if (view?.whole.code === warning.code && view.whole.changed_at !== warning.changed_at) void this.readAgain(view);
  }

  private async readAgain(view: WarningView): Promise<void> {
    try {
      const whole = await this.api.whole(view.whole.code);
      if (this.view === view) view.take(whole);
      this.draw();
      this.deeds.changed();
    } catch (error) {
      this.host.failed(error);
    }
  }

  /** Those in force, and the one that is open whatever its state. */
  private draw(): void {
    const whole = this.view?.whole ?? null;
    const open: Drawn[] = whole && !this.store.active.some(({ held }) => held.code === whole.code) ? [{ held: whole as Held, shape: whole.geometry }] : [];
    this.areas.show([...this.store.active, ...open], whole?.code ?? null);
  }

  private goTo(whole: Whole): void {
    const box = whole.geometry ? extent({ type: "FeatureCollection", features: [{ type: "Feature", properties: {}, geometry: whole.geometry }] }) : null;
    if (!box) return;
    const gl = this.host.map.gl;
    const held = gl.getPadding(), room = this.deeds.room();
    const wide = this.host.stage.clientWidth > 2 * LAYERS_PX + room.right;
    const side = (wanted: number, has: number | undefined): number => Math.max(EDGE_PX, wanted + EDGE_PX - (has ?? 0));
    gl.fitBounds(box, {
      padding: { top: side(room.top, held.top), right: side(room.right, held.right), bottom: side(room.bottom, held.bottom), left: side(wide ? LAYERS_PX : 0, held.left) }, maxZoom: NEAR_ZOOM, duration: 500,
    });
  }

  private connection(state: FeedState): void {
    this.lost.hidden = state !== "lost" || this.element.hidden;
  }
}

declare global {
  interface Window {
    /** What tests and embedding pages may rely on (docs/emergency-map.md): the warnings whose areas are drawn, the gravest last. */
    onemapWarnings?: { readonly drawn: { code: string; colour: string | null; hatched: boolean }[] };
  }
}
