/** The parts of the address after `#`, as in `#view=14/30.99/103.95&3d=on`; each part of the page keeps its own. */

export function partsOf(hash: string): Map<string, string> {
  const parts = hash.replace(/^#/, "").split("&").filter(Boolean);
  return new Map(parts.map((part): [string, string] => {
    const at = part.indexOf("=");
    return at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
  }));
}

/** Write parts into the address without a step back. */
export function writeParts(parts: Map<string, string>): void {
  const text = [...parts].map(([name, value]) => (value === "" ? name : `${name}=${value}`)).join("&");
  history.replaceState(history.state, "", `${location.pathname}${location.search}${text ? `#${text}` : ""}`);
}

/** Put one part into the address; null takes it out. */
export function writePart(name: string, value: string | null): void {
  const parts = partsOf(location.hash);
  if (value === null) parts.delete(name);
  else parts.set(name, value);
  writeParts(parts);
}
