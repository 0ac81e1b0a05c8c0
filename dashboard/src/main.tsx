import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRouter, RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { Problem } from "./api/client";
import { config } from "./api/config";
import { start } from "./api/live";
import "./app.css";
import { routeTree } from "./routes";
import { applyTheme } from "./ui/prefs";

applyTheme();

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (count, error) => count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
      retryDelay: (count) => 500 * 2 ** count,
      throwOnError: false,
    },
  },
});

const makeRouter = () => createRouter({
  routeTree,
  context: { queries },
  defaultPreload: "intent",
  defaultPendingMs: 150,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}

async function show(root: Element): Promise<void> {
  if (!(await config).client_id) {
    start(queries);
    createRoot(root).render(<QueryClientProvider client={queries}><RouterProvider router={makeRouter()} /></QueryClientProvider>);
    return;
  }
  const { Gate, open } = await import("./sign-in/gate");
  await open();
  // Only now: whoever comes back from signing in is not yet where they wanted to go.
  createRoot(root).render(<QueryClientProvider client={queries}><Gate><RouterProvider router={makeRouter()} /></Gate></QueryClientProvider>);
}

const root = document.getElementById("root");
if (root) void show(root);
