// The files CesiumJS fetches while it runs, beside the built pages: workers, decoders and tables, nothing that is not used.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const BUILT = new URL("../node_modules/cesium/Build/Cesium/", import.meta.url).pathname;
const { version } = JSON.parse(readFileSync(new URL("../node_modules/cesium/package.json", import.meta.url), "utf8"));
const FOLDER = `assets/cesium-${version}`;
const WANTED = ["Workers", "ThirdParty/draco_decoder.wasm", "ThirdParty/basis_transcoder.wasm", "Assets/approximateTerrainHeights.json", "Assets/IAU2006_XYS"];

function filesOf(path) {
  try {
    return readdirSync(join(BUILT, path), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(BUILT, join(entry.parentPath, entry.name)));
  } catch (error) {
    if (error.code === "ENOTDIR") return [path];
    throw error;
  }
}

/** The folder's name holds the version, so that its files may be kept for good; pages know it as CESIUM_FILES. */
export function cesiumFiles() {
  const files = WANTED.flatMap(filesOf);
  let base = "/";
  return {
    name: "cesium-files",
    config: (config) => ({ define: { CESIUM_FILES: JSON.stringify(`${config.base}${FOLDER}/`) } }),
    configResolved(config) {
      base = config.base;
    },
    generateBundle() {
      for (const file of files) this.emitFile({ type: "asset", fileName: `${FOLDER}/${file}`, source: readFileSync(join(BUILT, file)) });
    },
    configureServer(server) {
      server.middlewares.use(`${base}${FOLDER}/`, (request, answer, next) => {
        const file = decodeURIComponent((request.url ?? "").split("?")[0]).replace(/^\//, "");
        if (!files.includes(file)) return next();
        answer.setHeader("content-type", file.endsWith(".js") ? "text/javascript" : "application/octet-stream");
        answer.end(readFileSync(join(BUILT, file)));
      });
    },
  };
}
