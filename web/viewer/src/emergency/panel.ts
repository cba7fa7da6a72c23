/** The emergency panel: the list of incidents, a new one, or one that is open; what happens comes by itself. */

import { element } from "../dom";
import { Feed, type FeedState } from "../live/feed";
import { EmergencyApi, type Incident, type Kinds, type News } from "./api";
import type { EmergencyHost } from "./host";
import { IncidentList } from "./list";
import { IncidentView } from "./incident_view";
import { MarkLayers } from "./mark_layers";
import { Markers } from "./markers";
import { drawIn } from "./marks/drawing";
import { PartTabs } from "./part_tabs";
import { ReportForm } from "./report_form";
import type { PartName } from "./switch";
import { WarningsPart, type ReportGiven } from "./warnings/part";
import { term as warningTerm } from "./warnings/words";
import { said, term, type Term } from "./words";
import { Work } from "./work";
import "./emergency.css";

const LIST_AGAIN_MS = 400;
const NEAR_ZOOM = 14.5;
/** Around an incident, what the 3D view looks at. */
const NEAR_DEG = 0.004;
const LOOK_EVERY_MS = 15_000;
const PANEL_PX = 456;
const PHONE_PX = 640;
/** Of the height, as in the style. */
const PHONE_SHARE = 0.62;

export class EmergencyPanel {
  private readonly box = element("section", { class: "emergency", "aria-label": term("emergency") });
  private readonly banner = element("div", { class: "drill-banner", role: "status", hidden: "" }, element("span", {}));
  private readonly lost = element("p", { class: "em-lost", role: "status", hidden: "" }, term("lost"));
  private readonly body = element("div", { class: "em-body" });
  private readonly api: EmergencyApi;
  private readonly markers: Markers;
  private readonly layers: MarkLayers;
  private readonly feed: Feed;
  private readonly warnings: WarningsPart;
  private readonly parts: PartTabs;
  private list: IncidentList;
  private view: IncidentView | null = null;
  private form: ReportForm | null = null;
  private open: Incident[] = [];
  private seq = 0;
  private timer = 0;
  private looking = 0;
  private asked = 0;
  private wasLost = false;
  /** The tab that an incident opens with. */
  private tab: Term = "timeline";

  private constructor(private readonly host: EmergencyHost, private readonly kinds: Kinds, api: EmergencyApi, private readonly changed: () => void) {
    this.api = api;
    this.warnings = new WarningsPart(host, {
      changed: () => this.tellParts(), close: () => void this.toggle(false),
      report: api.mayWrite ? (given) => this.report(given) : null, room: () => this.room,
    });
    this.parts = new PartTabs((name) => this.choose(name));
    this.layers = new MarkLayers(host.map.gl, host.board);
    this.markers = new Markers(host.map, (code) => void this.show(code));
    this.list = new IncidentList(api, kinds, (code) => void this.show(code), () => this.report(), () => this.toggle(false));
    this.feed = new Feed(() => `/incidents/feed?drill=all&since=${this.seq}`, ["incident", "drill"], (data) => this.hear(data as News), (state) => this.connection(state));
    host.stage.before(this.banner);
    this.box.append(this.parts.element, this.lost, this.body, this.warnings.element);
    host.stage.append(this.box);
    const { layers } = this;
    window.onemapEmergency = {
      get marks() {
        return layers.drawn;
      },
    };
  }

  static async make(host: EmergencyHost, changed: () => void): Promise<EmergencyPanel> {
    const api = new EmergencyApi(host.session);
    return new EmergencyPanel(host, await api.kinds(), api, changed);
  }

  get isOpen(): boolean {
    return this.box.classList.contains("open");
  }
  /** Whether clicks on the map are this panel's. */
  get busy(): boolean {
    return this.isOpen && (this.view?.busy === true || this.form?.busy === true || this.warnings.busy);
  }

  /** Show one of the two parts; the other is looked at now and then, as a page has few connections. A drill is left: what is shown now may be real. */
  choose(name: "incidents" | "warnings"): void {
    const warnings = name === "warnings";
    if (!this.isOpen || this.parts.chosen === name) return;
    this.parts.chosen = name;
    if (this.view?.drill) this.back();
    this.body.hidden = warnings;
    this.lost.hidden = true;
    this.warnings.front(warnings);
    this.follow();
  }

  private follow(): void {
    clearInterval(this.looking);
    if (this.parts.chosen === "incidents") this.feed.start();
    else {
      this.feed.stop();
      this.looking = window.setInterval(() => this.readSoon(), LOOK_EVERY_MS);
    }
  }

  /** Show a warning, or make a draft of an alarm and show that. */
  async warning(code: string, alarm = false): Promise<void> {
    this.choose("warnings");
    await (alarm ? this.warnings.draftOf(code) : this.warnings.show(code));
  }

  /** Whether a click on the flat map opened a warning. */
  pickWarning(x: number, y: number): boolean {
    return this.isOpen && this.warnings.pick(x, y);
  }

  async toggle(open = !this.isOpen): Promise<void> {
    if (open === this.isOpen) return;
    this.box.classList.toggle("open", open);
    this.changed();
    if (!open) {
      clearInterval(this.looking);
      this.feed.stop();
      this.leave();
      this.warnings.stop();
      this.markers.clear();
      this.host.board.set({ incidents: [] });
      return;
    }
    this.body.replaceChildren(this.list.element);
    try {
      this.seq = await this.api.newest();
      await this.readList();
      if (this.isOpen) this.follow();
      await this.warnings.start();
    } catch (error) {
      this.host.failed(error);
    }
  }

  /** Show an incident with all that hangs on it. */
  async show(code: string, notes: string[] | null = null): Promise<void> {
    const mine = ++this.asked;
    try {
      const whole = await this.api.whole(code);
      if (mine !== this.asked || !this.isOpen) return;
      this.choose("incidents");
      this.leave();
      const reload = async (): Promise<void> => {
        const newer = await this.api.whole(code);
        if (this.view?.code === code) this.view.take(newer);
      };
      const work = new Work(code, this.api, this.kinds, this.host, reload);
      this.view = new IncidentView(work, whole, this.tab, reload, () => this.back());
      if (notes) this.view.tellGrading(notes);
      this.body.replaceChildren(this.view.element);
      this.body.scrollTop = 0;
      this.tellDrill();
      this.mark();
      this.go(whole);
    } catch (error) {
      this.host.failed(error);
    }
  }

  /** Take a click on the flat map that is on a mark, or on a handle of one; false where it is on none. */
  pick(x: number, y: number): boolean {
    if (!this.isOpen || !this.view) return false;
    const number = this.layers.at(x, y);
    if (number !== null) this.view.chooseMark(number);
    return number !== null || this.view.covers(x, y);
  }

  /** Choose a mark of the incident that is open. */
  chooseMark(number: number): void {
    this.view?.chooseMark(number);
  }

  /** Whether only its lists are open. */
  get idle(): boolean {
    return this.view === null && this.form === null;
  }

  /** Bring the first of some parts to the front, unless an incident is open; incidents open with the first tab among them. */
  prefer(parts: readonly PartName[]): void {
    this.tab = parts.find((one) => one === "tasks" || one === "timeline") ?? this.tab;
    const [first] = parts;
    if (this.view) this.view.choose(this.tab);
    else if (first) this.choose(first === "warnings" ? "warnings" : "incidents");
  }

  private go({ lon, lat }: Incident): void {
    const { gl } = this.host.map;
    gl.easeTo({ center: [lon, lat], zoom: Math.max(NEAR_ZOOM, gl.getZoom()), padding: this.room, duration: 500 });
    this.host.scene()?.look([lon - NEAR_DEG, lat - NEAR_DEG, lon + NEAR_DEG, lat + NEAR_DEG]);
  }

  /** The place stands beside the panel; on a phone, above it. */
  private get room(): { right: number; left: number; top: number; bottom: number } {
    const { clientWidth: width, clientHeight: height } = this.host.stage;
    return { right: width > 2 * PANEL_PX ? PANEL_PX : 0, left: 0, top: 0, bottom: width <= PHONE_PX ? height * PHONE_SHARE : 0 };
  }

  private report(given: ReportGiven | null = null): void {
    this.choose("incidents");
    this.leave();
    this.form = new ReportForm(this.api, this.kinds, this.host.map, (made) => void this.reported(made), () => this.back(), drawIn(this.host));
    this.body.replaceChildren(this.form.element);
    if (given) this.form.fill(given);
  }

  private async reported(made: Incident): Promise<void> {
    await this.show(made.code, made.notes ?? []);
    this.readSoon();
  }

  private back(): void {
    this.leave();
    this.body.replaceChildren(this.list.element);
    void this.readList().catch((error: unknown) => this.host.failed(error));
  }

  private leave(): void {
    this.asked += 1;
    this.view?.end();
    this.form?.end();
    this.view = this.form = null;
    this.host.map.gl.setPadding({ right: 0, left: 0, top: 0, bottom: 0 });
    this.tellDrill();
  }

  /** While a drill is looked at the whole page says so. */
  private tellDrill(): void {
    const drill = this.view?.drill === true || this.warnings.drill;
    this.banner.hidden = !drill;
    this.banner.firstElementChild?.replaceChildren(this.warnings.drill ? warningTerm("drillBanner") : term("drillBanner"));
    document.body.classList.toggle("in-drill", drill);
    this.box.classList.toggle("drill", drill);
  }

  private tellParts(): void {
    this.parts.tell(this.open.filter((one) => !one.drill).length, this.warnings.count);
    this.tellDrill();
  }

  private async readList(): Promise<void> {
    const [open, closed] = await Promise.all([this.api.incidents("open"), this.api.incidents("closed")]);
    if (!this.isOpen) return;
    this.open = open;
    this.list.show(open, closed);
    this.tellParts();
    this.mark();
  }

  private mark(): void {
    this.markers.show(this.open, this.view?.code ?? null);
    this.host.board.set({ incidents: this.open });
  }

  private readSoon(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.readList().catch((error: unknown) => console.warn(said(error))), LIST_AGAIN_MS);
  }

  private hear(news: News): void {
    this.seq = Math.max(this.seq, news.entry.seq);
    if (this.view?.code === news.incident.code) this.view.hear(news);
    if (news.entry.changes.some((one) => one.of === "incident")) this.readSoon();
  }

  /** What was missed comes again with the connection: events begin after the last one that was seen. */
  private connection(state: FeedState): void {
    this.lost.hidden = state !== "lost" || this.body.hidden;
    if (state === "open" && this.wasLost) this.readSoon();
    this.wasLost = state === "lost";
  }
}

declare global {
  interface Window {
    /** What tests and embedding pages may rely on (docs/emergency-map.md): names of the marks that are drawn. */
    onemapEmergency?: { readonly marks: string[] };
  }
}
