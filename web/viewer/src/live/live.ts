/** The live city on the map: devices and alarms as they change, their panels, the table and the time slider. */

import type { Session } from "../api";
import { elementOf } from "../bim_api";
import { elementCard } from "../bim_views";
import { button, element, say } from "../dom";
import type { CityMap } from "../map";
import { AlarmList } from "./alarm_list";
import { AlarmStore } from "./alarm_store";
import { alarmRules, deviceOf, type Alarm, type AlarmRule, type AlarmStep, type LiveValue } from "./api";
import { DeviceCard } from "./device_card";
import { DeviceTable } from "./device_table";
import { Feed, type FeedState } from "./feed";
import { Looks } from "./looks";
import { LiveLayers } from "./map_layers";
import { keptChoice, keepChoice } from "./choice";
import { LiveStore } from "./store";
import { TimeSlider } from "./time_slider";
import { TreeGroup } from "./tree_group";
import { moment, term } from "./words";
import "./live.css";

const LOAD_AGAIN_MS = 60_000;
const NEAR_ZOOM = 15.5;
/** So many new alarms are told at a time; the list has all. */
const MOST_TOLD = 3;

/** What the page around gives. */
export interface LiveHost {
  stage: HTMLElement;
  session: Session;
  card(card: HTMLElement): void;
  closeResults(): void;
  highlight(geometry: GeoJSON.Geometry | null): void;
  /** Go to a place, in the view that is open. */
  fly(lon: number, lat: number, zoom: number): void;
  /** Show the building of a code. */
  building(code: string): void;
  /** Show a storey of a model in 3D, or all of it. */
  storey(model: string, storey: string | null): void;
  /** Make the draft of a warning of an alarm. */
  draft(alarm: string): void;
  /** Add to a card what a camera sees, and its picture. */
  camera(card: HTMLElement, gbCode: string): void;
  failed(error: unknown): void;
}

export class Live {
  readonly store = new LiveStore();
  readonly looks = new Looks(this.store);
  readonly alarms = new AlarmStore((alarm, step) => this.alarmChanged(alarm, step));
  /** Told whenever what is drawn has changed, for the 3D view. */
  onDrawn: (() => void) | null = null;
  readonly bell = button("", "quiet alarm-bell", () => this.openAlarms());
  private readonly feed = new Feed(() => "/devices/live", "values", (data) => this.take((data as { values: LiveValue[] }).values), (state, reason) => this.connection(state, reason));
  private readonly group: TreeGroup;
  private readonly list: AlarmList;
  private readonly table: DeviceTable;
  private readonly slider: TimeSlider;
  private layers: LiveLayers | null = null;
  private card: DeviceCard | null = null;
  private rules: Promise<AlarmRule[]> | null = null;
  private on = false;
  private waiting = 0;
  private again = 0;
  private lostAt: Date | null = null;
  private loading: Promise<void> | null = null;

  constructor(private readonly host: LiveHost, private readonly map: CityMap) {
    const places = ["live-alarms", "live-table", "time-slider"].map((name) => element("section", { class: name, "aria-label": term("live") }));
    const [alarms, table, slider] = places as [HTMLElement, HTMLElement, HTMLElement];
    host.stage.append(...places);
    this.group = new TreeGroup(this.store, this.looks, {
      switch: (on) => void this.switch(on),
      placement: (code, shown) => this.showPlacement(code, shown),
      indicator: (code) => this.choose(code),
      table: () => this.table.toggle(),
      alarms: () => this.list.toggle(),
      past: () => this.slider.toggle(),
    }, host.session.role === "anonymous");
    this.list = new AlarmList(alarms, host.session, this.alarms, this.store, {
      jump: (alarm) => this.jump(alarm), device: (code) => void this.open(code, true), warn: (alarm) => this.draft(alarm),
    });
    this.table = new DeviceTable(table, map.gl, this.store, { device: (code, fly) => void this.open(code, fly), indicator: () => keptChoice().indicator, csrf: host.session.csrf });
    this.slider = new TimeSlider(slider, () => this.looks.indicator, (past) => {
      this.looks.past = past;
      this.draw();
    });
    this.bell.hidden = true;
    for (const code of keptChoice().hidden) this.looks.hidden.add(code);
  }

  get shown(): boolean {
    return this.on;
  }

  /** Whether clicks on the map draw an area for the table. */
  get drawingArea(): boolean {
    return this.table.drawingArea;
  }

  /** Put the group on top of the layer tree; what was switched on when the page was left is on again. */
  async into(tree: HTMLElement | null): Promise<void> {
    tree?.prepend(this.group.element);
    this.group.draw(this.on);
    if (keptChoice().on && !this.on) await this.switch(true);
  }

  async switch(on: boolean): Promise<void> {
    keepChoice({ on });
    this.on = on;
    clearInterval(this.again);
    if (!on) {
      this.feed.stop();
      this.alarms.stop();
      for (const one of [this.table, this.list, this.slider]) one.toggle(false);
    } else {
      this.group.say(term("connecting"), "connecting");
      await this.load(true);
      if (!this.on) return;
      this.feed.start();
      this.alarms.start();
      this.again = window.setInterval(() => {
        if (!document.hidden) void this.load();
      }, LOAD_AGAIN_MS);
    }
    this.bell.hidden = !on;
    this.tellAlarms();
    this.draw();
    this.group.draw(on);
  }

  /** Show the live city on the map where that is wanted, and the list of alarms or not. */
  async arrange(live: boolean, alarms: boolean): Promise<void> {
    if (live && !this.on) await this.switch(true);
    if (live) this.group.element.open = true;
    this.list.toggle(alarms);
  }

  /** Show what is picked at a point of the flat map; false where nothing of ours is. */
  async pick(x: number, y: number): Promise<boolean> {
    const picked = this.on ? this.layers?.at(x, y) : null;
    if (!picked) return false;
    if (picked.what === "cluster") await this.layers?.open(picked);
    else if (picked.what === "device") await this.open(picked.code, false, picked.codes);
    else await this.openAlarm(picked.code);
    return true;
  }

  /** Show the device of an alarm, and the alarm in its list. */
  async openAlarm(code: string): Promise<void> {
    const alarm = this.alarms.open.get(code);
    const stream = this.store.streams.get(alarm?.datastream ?? -1);
    this.list.toggle(true);
    if (stream) await this.open(stream.device);
  }

  /** Show the card of a device, and go there; `beside` are all devices at its place. */
  async open(code: string, fly = false, beside: string[] = []): Promise<void> {
    try {
      const [device, rules] = await Promise.all([deviceOf(code), this.limits()]);
      this.card = new DeviceCard(device, this.store, rules, beside, {
        open: (other) => void this.open(other, !beside.includes(other), beside.includes(other) ? beside : []),
        building: (building) => this.host.building(building),
        storey: (model, storey) => this.host.storey(model, storey),
        element: (model, id) => void this.openElement(model, id),
        close: () => {
          this.layers?.picked("");
          this.host.closeResults();
        },
      });
      this.host.card(this.card.element);
      if (this.card.camera) this.host.camera(this.card.camera, device.aliases.find((one) => one.scheme === "gb28181")?.code ?? "");
      this.host.highlight(device.geometry);
      this.layers?.picked(device.code);
      if (fly && device.geometry?.type === "Point") this.host.fly(device.geometry.coordinates[0] ?? 0, device.geometry.coordinates[1] ?? 0, NEAR_ZOOM);
    } catch (error) {
      this.host.failed(error);
    }
  }

  /** What is drawn of a device on the flat map. */
  drawn(code: string): Record<string, unknown> | null {
    return this.layers?.drawn(code) ?? null;
  }

  private async openElement(model: string, id: string): Promise<void> {
    try {
      const found = await elementOf(model, id);
      this.host.highlight(found.geometry);
      this.host.card(elementCard(found.properties, found.names, () => this.host.closeResults()));
    } catch (error) {
      this.host.failed(error);
    }
  }

  private openAlarms(): void {
    this.list.toggle();
  }

  private load(whole = false): Promise<void> {
    this.loading ??= this.store.load(whole).then(() => {
      this.choose(keptChoice().indicator);
    }, (error: unknown) => this.host.failed(error)).finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  private showPlacement(code: string, shown: boolean): void {
    this.looks.hidden[shown ? "delete" : "add"](code);
    keepChoice({ hidden: [...this.looks.hidden] });
    this.draw();
  }

  /** Colour by an indicator; by state where none of that code is there. */
  private choose(code: string): void {
    const property = this.store.property(code) ?? null;
    if (property || !code) keepChoice({ indicator: code });
    this.looks.choose(property);
    this.layers?.dress(this.looks);
    this.slider.renew();
    this.draw();
    this.group.draw(this.on);
  }

  private take(values: LiveValue[]): void {
    const first = this.looks.scale?.steps.length === 1;
    if (!this.store.take(values)) void this.load(true);
    if (first && this.looks.indicator) this.choose(keptChoice().indicator);
    this.card?.renew();
    this.table.renew();
    this.draw();
  }

  /** Draw what there is, once for all that comes before the next frame. */
  private draw(): void {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.layers ??= this.firstLayers();
      if (this.on) this.layers.devices(this.store, this.looks);
      else this.layers.clear();
      this.layers.alarms(this.on ? this.alarms.open.values() : []);
      this.onDrawn?.();
    });
  }

  private firstLayers(): LiveLayers {
    const made = new LiveLayers(this.map.gl);
    made.dress(this.looks);
    return made;
  }

  private connection(state: FeedState, reason: string): void {
    if (state === "lost") {
      this.lostAt ??= new Date();
      this.group.say(`${term("lost")} ${moment(this.lostAt)}，${term("again")}${reason ? ` (${reason})` : ""}`, "lost");
    } else if (state === "open") {
      if (this.lostAt) {
        say(term("caughtUp"));
        void this.load(true);
      }
      this.lostAt = null;
      this.group.say(term("connected"), "open");
    } else this.group.say(term("connecting"), "connecting");
  }

  private alarmChanged(alarm: Alarm | null, step: AlarmStep | null): void {
    if (alarm && step?.action === "raise" && document.querySelectorAll(".message").length < MOST_TOLD) say(`${term("newAlarm")}：${alarm.title}`, "error");
    this.tellAlarms();
    this.list.renew();
    this.draw();
  }

  /** The sign in the head of the page: how many alarms are open, in the colour of the gravest; quiet where none is. */
  private tellAlarms(): void {
    const [gravest] = this.alarms.list();
    const count = this.alarms.open.size;
    this.bell.textContent = !this.alarms.known ? term("alarms") : count ? `${term("alarms")} ${count}` : `${term("alarms")} ✓`;
    this.bell.title = count || !this.alarms.known ? "" : term("noAlarms");
    this.bell.dataset["severity"] = gravest?.severity ?? "";
  }

  /** The draft is looked at beside the map: the list makes room. */
  private draft(alarm: Alarm): void {
    this.list.toggle(false);
    this.host.draft(alarm.code);
  }

  private jump(alarm: Alarm): void {
    if (alarm.position) this.host.fly(alarm.position[0], alarm.position[1], NEAR_ZOOM);
  }

  /** The rules whose limits charts show; null for those who may not read them. */
  private async limits(): Promise<AlarmRule[] | null> {
    if (!this.host.session.operations.includes("import")) return null;
    this.rules ??= alarmRules();
    try {
      return await this.rules;
    } catch {
      this.rules = null;
      return null;
    }
  }
}
