import type { Plugin } from "vite";

export function packedFiles(): Plugin;
