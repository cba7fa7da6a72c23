/** What changes while the map is open, as the server tells it: layers are drawn anew without a reload. */

interface Change {
  layer: string;
  version: number;
}

const GATHER_MS = 300;

/** Tell of the newest version of each layer that changed; changes that come close together are told once. */
export function followChanges(tell: (versions: Map<string, number>) => void): void {
  const waiting = new Map<string, number>();
  let timer = 0;
  const source = new EventSource("/changes");
  source.addEventListener("change", (event) => {
    const change = JSON.parse((event as MessageEvent<string>).data) as Change;
    waiting.set(change.layer, change.version);
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      tell(new Map(waiting));
      waiting.clear();
    }, GATHER_MS);
  });
}
