import { defineConfig } from "vite";
import { cesiumFiles } from "./scripts/cesium-files.mjs";
import { packedFiles } from "./scripts/packed-files.mjs";

export default defineConfig({
  base: "/map/",
  plugins: [cesiumFiles(), packedFiles()],
  build: {
    outDir: "dist", emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 5000,
    rolldownOptions: { input: ["index.html", "compare.html", "review.html", "analyses.html", "rules.html"] },
  },
  server: { proxy: { "^/(catalog|styles|tiles|rasters|terrain|3dtiles|wmts|models|cameras|changes|identify|search|session|collections|scenarios|processes|jobs|redlines|devices|alarms|incidents|geocode)": "http://127.0.0.1:8000" } },
});
