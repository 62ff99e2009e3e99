/*
 * Write the browser assets and the document fonts to api/static/vendor/ (git-ignored).
 *
 * Everything comes from node_modules/ as the lock file fixes it; nothing is fetched here, so the build
 * works offline after `npm ci`. The whole folder is written anew beside the old one and swapped in at the
 * end: a build that fails leaves the old assets as they were.
 *
 *   htmx.min.js                  htmx, as published
 *   form-viewer.js, .css         ES module: createForm, Form          (assets/form-viewer.js)
 *   bpmn-viewer.js, .css         ES module: BpmnViewer                (assets/bpmn-viewer.js)
 *   charts.js                    ES module: init                      (assets/charts.js)
 *   fonts/noto-sans-sc.css, …    web font in slices for pages on machines without a Chinese font
 *   fonts/NotoSerifSC-*.ttf      full TrueType fonts for documents (PDF)
 *   LICENSES/                    the licence of each package
 *   manifest.json                package versions, and size and sha256 of each file
 */
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, "node_modules");
const TARGET = join(ROOT, "api", "static", "vendor");
const NEW = `${TARGET}.new`;

const PACKAGES = {
  "htmx.org": ["LICENSE"],
  "@bpmn-io/form-js-viewer": ["LICENSE"],
  "bpmn-js": ["LICENSE"],
  echarts: ["LICENSE", "NOTICE"],
  "@fontsource-variable/noto-sans-sc": ["LICENSE"],
  "@expo-google-fonts/noto-serif-sc": ["LICENSE_FONT"],
};

/** Bundle one module of assets/ with what it imports, minified, for current browsers. */
async function bundle(name) {
  await build({
    entryPoints: [join(ROOT, "assets", `${name}.js`)],
    outfile: join(NEW, `${name}.js`),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    define: { "process.env.NODE_ENV": '"production"' },
  });
}

/** Bundle style sheets into one file; of the fonts they name, the woff2 goes beside it into fonts/. */
async function styles(name, sheets) {
  await build({
    stdin: {
      contents: sheets.map((sheet) => `@import "${sheet}";`).join("\n"),
      loader: "css",
      resolveDir: ROOT,
    },
    outfile: join(NEW, `${name}.css`),
    bundle: true,
    minify: true,
    charset: "utf8",
    assetNames: "fonts/[name]",
    loader: { ".woff2": "file", ".woff": "empty", ".ttf": "empty", ".eot": "empty", ".svg": "empty" },
    logLevel: "warning",
  });
}

/** Copy the fonts: slices for pages, full TrueType files for documents. */
async function fonts() {
  const target = join(NEW, "fonts");
  const sans = join(MODULES, "@fontsource-variable", "noto-sans-sc");
  await mkdir(target, { recursive: true });
  const sheet = await readFile(join(sans, "wght.css"), "utf8");
  await writeFile(join(target, "noto-sans-sc.css"), sheet.replaceAll("url(./files/", "url(./"));
  for (const file of await readdir(join(sans, "files"))) {
    if (file.endsWith("-wght-normal.woff2")) await cp(join(sans, "files", file), join(target, file));
  }
  const serif = join(MODULES, "@expo-google-fonts", "noto-serif-sc");
  await cp(join(serif, "400Regular", "NotoSerifSC_400Regular.ttf"), join(target, "NotoSerifSC-Regular.ttf"));
  await cp(join(serif, "700Bold", "NotoSerifSC_700Bold.ttf"), join(target, "NotoSerifSC-Bold.ttf"));
}

/** Copy each package's licence; answer the versions. */
async function licenses() {
  const versions = {};
  for (const [name, files] of Object.entries(PACKAGES)) {
    const target = join(NEW, "LICENSES", name.replace("/", "+"));
    await mkdir(target, { recursive: true });
    for (const file of files) await cp(join(MODULES, name, file), join(target, file));
    versions[name] = JSON.parse(await readFile(join(MODULES, name, "package.json"), "utf8")).version;
  }
  return versions;
}

/** Write manifest.json: versions, and size and sha256 of every file. */
async function manifest(packages) {
  const files = {};
  const entries = await readdir(NEW, { recursive: true });
  for (const entry of entries.sort()) {
    const path = join(NEW, entry);
    if (!(await stat(path)).isFile()) continue;
    const content = await readFile(path);
    const name = relative(NEW, path).replaceAll("\\", "/");
    files[name] = { size: content.length, sha256: createHash("sha256").update(content).digest("hex") };
  }
  await writeFile(join(NEW, "manifest.json"), `${JSON.stringify({ packages, files }, null, 1)}\n`);
}

await rm(NEW, { recursive: true, force: true });
await mkdir(NEW, { recursive: true });
await cp(join(MODULES, "htmx.org", "dist", "htmx.min.js"), join(NEW, "htmx.min.js"));
await bundle("form-viewer");
await styles("form-viewer", [
  "@bpmn-io/form-js-viewer/dist/assets/form-js.css",
  "@bpmn-io/form-js-viewer/dist/assets/flatpickr/light.css",
]);
await bundle("bpmn-viewer");
await styles("bpmn-viewer", [
  "bpmn-js/dist/assets/diagram-js.css",
  "bpmn-js/dist/assets/bpmn-js.css",
  "bpmn-js/dist/assets/bpmn-font/css/bpmn.css",
]);
await bundle("charts");
await fonts();
await manifest(await licenses());
await rm(TARGET, { recursive: true, force: true });
await rename(NEW, TARGET);
