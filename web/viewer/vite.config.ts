import { defineConfig } from "vite";

export default defineConfig({
  base: "/map/",
  build: {
    outDir: "dist", emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: ["index.html", "compare.html", "review.html", "analyses.html", "rules.html"] },
  },
  server: { proxy: { "^/(catalog|styles|tiles|rasters|terrain|identify|search|session|collections|scenarios|processes|jobs|redlines)": "http://127.0.0.1:8000" } },
});
