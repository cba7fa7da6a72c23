/** The open alarms as this page knows them: asked for once a connection stands, then kept by what the feed tells. */

import { openAlarms, type Alarm, type AlarmStep } from "./api";
import { Feed, type FeedState } from "./feed";
import { SEVERITY_ORDER } from "./icons";

export class AlarmStore {
  readonly open = new Map<string, Alarm>();
  /** Whether the server has told which alarms are open. */
  known = false;
  more = false;
  state: FeedState = "connecting";
  problem = "";
  /** What the feed told while the list was on its way; it may be newer than the list. */
  private meanwhile: Alarm[] = [];
  private reading = false;
  private readonly feed: Feed;

  /** `changed` is told of what happened; a step is null when all were read anew. */
  constructor(private readonly changed: (alarm: Alarm | null, step: AlarmStep | null) => void) {
    this.feed = new Feed(() => "/alarms/feed", "alarm", (data) => this.take(data as { alarm: Alarm; step: AlarmStep }), (state, reason) => this.connection(state, reason));
  }

  start(): void {
    this.feed.start();
  }

  stop(): void {
    this.feed.stop();
  }

  /** The gravest first, of these the newest. */
  list(): Alarm[] {
    const grave = (alarm: Alarm): number => SEVERITY_ORDER.get(alarm.severity) ?? 0;
    return [...this.open.values()].sort((a, b) => grave(b) - grave(a) || b.raised_at.localeCompare(a.raised_at));
  }

  /** Take an alarm as it is now. */
  put(alarm: Alarm): void {
    if (alarm.state === "raised" || alarm.state === "acknowledged") this.open.set(alarm.code, alarm);
    else this.open.delete(alarm.code);
  }

  private take({ alarm, step }: { alarm: Alarm; step: AlarmStep }): void {
    this.put(alarm);
    if (this.reading) this.meanwhile.push(alarm);
    this.changed(alarm, step);
  }

  /** What was missed while there was no connection is in the list that is asked for anew. */
  private connection(state: FeedState, reason: string): void {
    this.state = state;
    if (reason) this.problem = reason;
    if (state === "open") void this.read();
    else this.changed(null, null);
  }

  private async read(): Promise<void> {
    this.reading = true;
    try {
      const { alarms, more } = await openAlarms();
      this.open.clear();
      for (const alarm of [...alarms, ...this.meanwhile]) this.put(alarm);
      this.more = more;
      this.known = true;
      this.problem = "";
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
    this.reading = false;
    this.meanwhile = [];
    this.changed(null, null);
  }
}
