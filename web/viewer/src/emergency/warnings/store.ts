/** The warnings as this page knows them: read once, then again whenever the server tells that something happened. */

import { Feed, type FeedState } from "../../live/feed";
import type { Drawn } from "./areas";
import { infoOf, type Held, type Info, type News, type WarningsApi } from "./api";

const READ_SOON_MS = 300;
const LOOK_EVERY_MS = 15_000;
/** Of so many in force it is asked who issued them, and from when they hold. */
const MOST_TOLD = 40;

export class WarningStore {
  active: Drawn[] = [];
  drafts: Held[] = [];
  ended: Held[] = [];
  private readonly infos = new Map<string, { changed: string; info: Info | null }>();
  private readonly feed: Feed;
  /** The last entry that was seen; null while nothing is followed. */
  private seq: number | null = null;
  private timer = 0;
  private looking = 0;
  private wasLost = false;
  private wanted = false;

  /** `changed` is told when the lists are new, `heard` of each thing that happens. */
  constructor(
    private readonly api: WarningsApi, private readonly changed: () => void, private readonly heard: (news: News) => void,
    private readonly told: (state: FeedState) => void, private readonly failed: (error: unknown) => void,
  ) {
    this.feed = new Feed(() => `/warnings/feed?since=${this.seq ?? 0}`, ["warning", "drill"], (data) => this.hear(data as News), (state) => this.connection(state));
  }

  async start(live: () => boolean): Promise<void> {
    this.wanted = true;
    const { seq } = await this.api.news();
    await this.read();
    if (!this.wanted) return;
    this.seq = seq;
    this.follow(live());
  }

  /** Follow what happens as it does, or look for it now and then: a page has few connections for all it follows. */
  follow(live: boolean): void {
    if (this.seq === null) return;
    clearInterval(this.looking);
    if (live) this.feed.start();
    else {
      this.feed.stop();
      this.looking = window.setInterval(() => void this.look(), LOOK_EVERY_MS);
    }
  }

  stop(): void {
    this.wanted = false;
    this.seq = null;
    this.feed.stop();
    clearInterval(this.looking);
    clearTimeout(this.timer);
  }

  /** What a warning says, as far as it was asked for. */
  infoOf(code: string): Info | null {
    return this.infos.get(code)?.info ?? null;
  }

  async read(): Promise<void> {
    const [active, drafts, ended] = await Promise.all([this.api.active(), this.api.mayWrite ? this.api.drafts() : [], this.api.ended()]);
    [this.active, this.drafts, this.ended] = [active, drafts, ended];
    this.changed();
    await this.readInfos();
  }

  private async readInfos(): Promise<void> {
    const unknown = this.active.slice(0, MOST_TOLD).filter(({ held }) => this.infos.get(held.code)?.changed !== held.changed_at);
    const found = await Promise.allSettled(unknown.map(({ held }) => this.api.whole(held.code)));
    for (const one of found) if (one.status === "fulfilled") this.infos.set(one.value.code, { changed: one.value.changed_at, info: infoOf(one.value) });
    if (unknown.length) this.changed();
  }

  private readSoon(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.read().catch(this.failed), READ_SOON_MS);
  }

  private hear(news: News): void {
    this.seq = Math.max(this.seq ?? 0, news.step.seq);
    this.heard(news);
    this.readSoon();
  }

  private async look(): Promise<void> {
    if (document.hidden) return;
    try {
      const { steps, seq } = await this.api.news(this.seq);
      this.seq = seq;
      for (const one of steps) this.heard(one);
      if (steps.length) this.readSoon();
    } catch (error) {
      console.warn(error instanceof Error ? error.message : error);
    }
  }

  /** What was missed comes again with the connection: events begin after the last one that was seen. */
  private connection(state: FeedState): void {
    this.told(state);
    if (state === "open" && this.wasLost) this.readSoon();
    this.wasLost = state === "lost";
  }
}
