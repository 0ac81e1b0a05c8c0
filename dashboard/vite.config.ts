import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { existsSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** Both hosts read their headers and routes from this file at the root of what is served. */
function hostConfig(): Plugin {
  const fileName = "staticwebapp.config.json";
  return {
    name: "host-config",
    apply: "build",
    generateBundle() {
      this.emitFile({ type: "asset", fileName, source: readFileSync(fileName, "utf8") });
    },
  };
}

/** The paths of the API this is built for; calls that it has not are never made. */
function apiPaths(): string[] {
  const file = "../docs/openapi.json";
  if (!existsSync(file)) return [];
  return Object.keys((JSON.parse(readFileSync(file, "utf8")) as { paths: object }).paths).sort();
}

export default defineConfig({
  define: { __API_PATHS__: JSON.stringify(apiPaths()) },
  plugins: [react(), tailwindcss(), hostConfig()],
  build: {
    target: ["chrome123", "firefox128", "safari17.5"],
    assetsInlineLimit: 0, // data: URLs and inline scripts are what the CSP forbids
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            { name: "kit", test: /src[\\/](api[\\/](client|config|live|me|queries)|ui[\\/](icons|kit|needs|prefs)|words)\.tsx?$/ }, // every page has these
            { name: "tanstack", test: /node_modules[\\/]@tanstack[\\/]/ },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:7071", "/ws": { target: "ws://127.0.0.1:7071", ws: true } } },
});
