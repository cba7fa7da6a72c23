import type { Plugin } from "vite";

export function cesiumFiles(): Plugin;
