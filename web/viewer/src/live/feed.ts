/** Events of the server, as long as the page is looked at: it says when the connection is lost, and comes again by itself. */

const AGAIN_MS = [500, 1_000, 2_000, 5_000, 10_000];

export type FeedState = "connecting" | "open" | "lost" | "paused";

export class Feed {
  private source: EventSource | null = null;
  private timer = 0;
  private tries = 0;
  private wanted = false;

  /** `took` gets the data of each event of the name, or names; `opened` is told whenever a connection stands, before its events. */
  constructor(
    private readonly path: () => string, private readonly name: string | readonly string[], private readonly took: (data: unknown, id: string) => void,
    private readonly told: (state: FeedState, reason: string) => void,
  ) {
    document.addEventListener("visibilitychange", () => this.look());
  }

  start(): void {
    this.wanted = true;
    this.look();
  }

  stop(): void {
    this.wanted = false;
    window.removeEventListener("online", this.hurry);
    this.close();
  }

  /** A page that nobody sees follows nothing: browsers have few connections to a server for all its pages together. */
  private look(): void {
    if (!this.wanted) return;
    if (document.hidden) {
      this.close();
      this.told("paused", "");
    } else if (!this.source) this.open();
  }

  private open(): void {
    this.close();
    this.told(this.tries ? "lost" : "connecting", "");
    const source = new EventSource(this.path());
    this.source = source;
    source.addEventListener("open", () => {
      this.tries = 0;
        this.told("open", "");
    });
    for (const name of [this.name].flat()) source.addEventListener(name, (event) => {
      const { data, lastEventId } = event as MessageEvent<string>;
      this.took(JSON.parse(data), lastEventId);
    });
    source.addEventListener("end", (event) => {
      const { detail, remedy } = JSON.parse((event as MessageEvent<string>).data) as { detail?: string; remedy?: string };
      this.later([detail, remedy].filter(Boolean).join(" · "));
    });
    source.addEventListener("error", () => this.later(""));
    window.addEventListener("online", this.hurry);
    window.addEventListener("offline", this.cut);
  }

  /** The connection is lost: say so, and come again, each time a little later. */
  private later(reason: string): void {
    this.close();
    if (!this.wanted) return;
    this.told("lost", reason);
    const wait = AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)] ?? 0;
    this.tries += 1;
    this.timer = window.setTimeout(() => this.open(), wait);
  }

  private readonly hurry = (): void => {
    if (this.wanted && !this.source) this.open();
  };

  private readonly cut = (): void => this.later("");

  private close(): void {
    clearTimeout(this.timer);
    window.removeEventListener("offline", this.cut);
    this.source?.close();
    this.source = null;
  }
}
